import Foundation

/// What the kernel says that a process holds.
struct Footprint: Sendable {
    /// Proportional set size: private memory, and the process's share of what others use too.
    var pssBytes: Int
    /// Open files, sockets and the like, without those of `store`: its pool opens connections as readers happen to meet,
    /// up to a fixed number, and keeps them.
    var descriptors: Int

    private static let readings = 5

    /// The smallest of some readings: what is freed with a delay is not held.
    static func measure(_ pid: Int32, store: String) async throws -> Footprint {
        var least: Footprint?
        for reading in 0..<readings {
            if reading > 0 { try await Task.sleep(for: .milliseconds(200)) }
            let now = Footprint(pssBytes: try pss(pid), descriptors: try descriptors(pid, without: store))
            least = Footprint(
                pssBytes: min(least?.pssBytes ?? .max, now.pssBytes),
                descriptors: min(least?.descriptors ?? .max, now.descriptors))
        }
        return least ?? Footprint(pssBytes: 0, descriptors: 0)
    }

    private static func pss(_ pid: Int32) throws -> Int {
        let path = "/proc/\(pid)/smaps_rollup"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw DrillError.unreadable(path) }
        for line in text.split(separator: "\n") where line.hasPrefix("Pss:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes * 1_024
            }
        }
        throw DrillError.unreadable(path)
    }

    private static func descriptors(_ pid: Int32, without store: String) throws -> Int {
        let path = "/proc/\(pid)/fd"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw DrillError.unreadable(path)
        }
        return names.count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")
            return target?.hasPrefix(store) != true
        }
    }
}
