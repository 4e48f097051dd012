import CFileStatus
import Dispatch

/// Looks at the free space of some folders, on a thread of its own: a file system that hangs holds up nothing else.
package final class DiskWatch: Sendable {
    /// What a look found.
    package struct Look: Hashable, Sendable {
        /// Bytes that this user may still write, by the folder's label; a folder that cannot be asked is missing.
        package var free: [String: Int64]

        package init(free: [String: Int64]) { self.free = free }
    }

    private let folders: [(label: String, path: String)]
    private let queue = DispatchQueue(label: "voiced.disk", qos: .utility)

    /// `folders`: a label for metrics and logs, and the path; what does not exist yet is asked by its nearest parent.
    package init(folders: [(label: String, path: String)]) { self.folders = folders }

    package func look() async -> Look {
        await withCheckedContinuation { continuation in
            queue.async { [folders] in
                var free: [String: Int64] = [:]
                for (label, path) in folders { free[label] = Self.free(path) }
                continuation.resume(returning: Look(free: free))
            }
        }
    }

    private static func free(_ path: String) -> Int64? {
        var path = path
        while true {
            let bytes = voiced_free_bytes(path)
            if bytes >= 0 { return bytes }
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return nil }
            path = String(path[..<slash])
        }
    }
}
