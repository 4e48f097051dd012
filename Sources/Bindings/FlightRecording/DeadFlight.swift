import CFlightRecorder
import Glibc
import InterviewCore
import Ports

/// The record of a process that is no more. Held, by its lock, until it is removed or forgotten: of two processes that
/// start at once only one gets it.
package final class DeadFlight: Sendable {
    /// What the process had in hand on the loop that died; nil: no loop died, or one with nothing in hand.
    package let suspect: FlightSuspect?
    private let path: String
    private let descriptor: Int32

    private init(suspect: FlightSuspect?, path: String, descriptor: Int32) {
        self.suspect = suspect
        self.path = path
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Once the store knows of its suspect. Without it the next start reads the same again.
    package func remove() { unsafe unlink(path) }

    /// Records in `folder` whose process has died with a session in hand. Those that say nothing are removed at once.
    /// Reads files; not on a loop.
    package static func all(in folder: String) -> [DeadFlight] {
        names(in: folder).compactMap { name in
            guard let record = take("\(folder)/\(name)", name: name) else { return nil }
            if record.suspect == nil { record.remove() }
            return record.suspect == nil ? nil : record
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            // Not `.new`: its process is about to lock it.
            if name.hasPrefix(MappedFlightRecorder.prefix), name.hasSuffix(MappedFlightRecorder.suffix) {
                names.append(name)
            }
        }
        return names.sorted()
    }

    /// Nil: it is somebody's who lives, or gone.
    private static func take(_ path: String, name: String) -> DeadFlight? {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        // Unlocked by its process' end, whatever that was. Without a name left: another reader was faster.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, voiced_flight_links(descriptor) > 0 else {
            Glibc.close(descriptor)
            return nil
        }
        let instance = InstanceID(
            String(name.dropFirst(MappedFlightRecorder.prefix.count).dropLast(MappedFlightRecorder.suffix.count)))
        let suspect = words(descriptor).flatMap { FlightLayout.read($0, instance: instance) }
        return DeadFlight(suspect: suspect, path: path, descriptor: descriptor)
    }

    private static func words(_ descriptor: Int32) -> [UInt64]? {
        let most = FlightLayout(loops: FlightLayout.Limits.loops, places: FlightLayout.Limits.places).bytes
        let bytes = lseek(descriptor, 0, SEEK_END)
        guard bytes > 0, bytes <= most, bytes % 8 == 0 else { return nil }
        var words = [UInt64](repeating: 0, count: bytes / 8)
        var filled = 0
        while filled < bytes {
            let count = unsafe words.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress?.advanced(by: filled), bytes - filled, off_t(filled))
            }
            guard count > 0 else { return nil }
            filled += count
        }
        return words
    }
}
