import Foundation
import Glibc
import Ports

/// A moment on the clock by which leases run: milliseconds since the host was started, suspension included
/// (CLOCK_BOOTTIME), so that nobody who sets the wall clock takes a lease away or makes one last. It means something
/// within one boot of one host only, which is all that a local file is for.
struct LeaseInstant: Sendable, Hashable {
    /// The kernel's name of this boot.
    var boot: String
    var milliseconds: Int64

    func advanced(by duration: Duration) -> LeaseInstant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return LeaseInstant(boot: boot, milliseconds: overflow ? .max : sum)
    }
}

enum LeaseClock {
    /// Read inside the transaction that uses it: the wait for the file's lock is then behind it.
    static func now() throws(StoreError) -> LeaseInstant {
        var time = timespec()
        guard clock_gettime(CLOCK_BOOTTIME, &time) == 0 else { throw .corrupt(code: "lease_clock") }
        return LeaseInstant(
            boot: boot, milliseconds: Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000)
    }

    /// proc(5), `/proc/sys/kernel/random/boot_id`. Where it cannot be read all boots are one: a lease of an earlier
    /// boot may then look alive until the clock has passed it, never longer than a lease.
    private static let boot: String = {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }()
}
