import Foundation
import InterviewCore

/// Looks for parts below a folder of recordings.
enum PartFolder {
    /// Names that are looked at; more than any folder of ours holds.
    static let mostParts = 1_000_000

    /// Of all sessions, in order.
    static func parts(in folder: String) -> [PartName] {
        let sessions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var parts: [PartName] = []
        for session in sessions.sorted() where parts.count < mostParts {
            parts += self.parts(in: "\(folder)/\(session)", session: session)
        }
        return parts
    }

    /// Of one session, whose files lie in `folder`, in order.
    static func parts(in folder: String, session: String) -> [PartName] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.prefix(mostParts).compactMap { PartName(session: session, file: $0) }.sorted()
    }
}
