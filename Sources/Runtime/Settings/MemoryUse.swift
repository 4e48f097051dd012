import Foundation

/// How much of the memory that this process may use is in use. The kernel ends a process that wants more than its
/// cgroup's limit, and every conversation with it.
package struct MemoryUse {
    private let groups: ControlGroups

    /// `root`: a test's folder with `proc` and `sys` in it.
    package init(root: String = "") { groups = ControlGroups(root: root) }

    /// 0…1: of the tightest limit of this process' cgroup and those above it; where none has one, of the machine. Nil:
    /// the system does not say.
    package func share() -> Double? {
        let machine = machine()
        let ceiling = machine?.total ?? .infinity
        let limited =
            groups.folders(version2: true, controller: "memory").compactMap { folder in
                share(folder, "memory.max", "memory.current", "inactive_file", below: ceiling)
            }
            + groups.folders(version2: false, controller: "memory").compactMap { folder in
                share(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", below: ceiling)
            }
        return limited.max() ?? machine?.used
    }

    /// Nil: no such group, or no limit (`max`, or the largest number of version 1, which no machine has).
    private func share(
        _ folder: String, _ limitFile: String, _ usageFile: String, _ reclaimable: String, below ceiling: Double
    ) -> Double? {
        guard let limit = number("\(folder)/\(limitFile)"), limit > 0, limit < ceiling,
            let usage = number("\(folder)/\(usageFile)")
        else { return nil }
        // Cached files count as usage but are given up before anybody is ended: recordings and the store fill any limit.
        let cached = fields("\(folder)/memory.stat", separator: " ")[reclaimable] ?? 0
        return min(1, max(0, usage - cached) / limit)
    }

    private func machine() -> (total: Double, used: Double)? {
        let fields = fields("\(groups.root)/proc/meminfo", separator: ":")
        guard let total = fields["MemTotal"], total > 0, let available = fields["MemAvailable"] else { return nil }
        // Kibibytes.
        return (total * 1_024, min(1, max(0, 1 - available / total)))
    }

    private func number(_ path: String) -> Double? {
        (try? String(contentsOfFile: path, encoding: .utf8))
            .flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// `name 123` or `name: 123 kB`, line by line.
    private func fields(_ path: String, separator: Character) -> [String: Double] {
        var found: [String: Double] = [:]
        for line in ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2 else { continue }
            found[String(parts[0])] = parts[1].split(separator: " ").first.flatMap { Double($0) }
        }
        return found
    }
}
