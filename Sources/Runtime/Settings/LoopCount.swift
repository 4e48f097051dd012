import Foundation

/// How many loops `loops: 0` means: one for each core that this process may really use. A container with a quota of two
/// cores on a machine of 64 must not start 64 threads that wait for each other.
package enum LoopCount {
    package static func automatic() -> Int {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return of(cores: cores, quotas: quotaFiles().compactMap { try? String(contentsOfFile: $0, encoding: .utf8) })
    }

    /// `quotas`: contents of `cpu.max` files (cgroup v2: `max 100000` or `200000 100000`), of this group and those
    /// above it; the smallest counts, rounded up.
    package static func of(cores: Int, quotas: [String]) -> Int {
        var loops = max(1, cores)
        for quota in quotas {
            let fields = quota.split(whereSeparator: \.isWhitespace)
            guard fields.count == 2, let limit = Double(fields[0]), let period = Double(fields[1]), period > 0,
                limit > 0
            else { continue }
            loops = min(loops, max(1, Int(min(1_024, (limit / period).rounded(.up)))))
        }
        return loops
    }

    private static func quotaFiles() -> [String] {
        ControlGroups().folders(version2: true, controller: "cpu").map { "\($0)/cpu.max" }
    }
}
