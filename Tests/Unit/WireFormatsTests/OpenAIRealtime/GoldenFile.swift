import Foundation
import Testing

/// A wire message kept in `Tests/Golden/OpenAIRealtime`, in canonical form (sorted keys, indented), so that a change is
/// a readable diff. `VOICED_RECORD_GOLDEN=1` writes what the code says now instead of comparing.
struct GoldenFile {
    var name: String

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden/OpenAIRealtime")
    static let records = ProcessInfo.processInfo.environment["VOICED_RECORD_GOLDEN"] == "1"

    var url: URL { Self.folder.appending(path: name + ".json") }

    func bytes() throws -> [UInt8] { Array(try Data(contentsOf: url)) }

    static func canonical(_ json: [UInt8]) throws -> String {
        let object = try JSONSerialization.jsonObject(with: Data(json))
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// Compares, or records.
    func check(_ json: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let now = try Self.canonical(json)
        if Self.records {
            try Data(now.utf8).write(to: url)
            return
        }
        let kept = try Self.canonical(try bytes())
        guard now != kept else { return }
        Issue.record("\(name) has changed:\n\(Self.difference(kept, now))", sourceLocation: sourceLocation)
    }

    /// Lines that are gone and lines that are new.
    private static func difference(_ old: String, _ new: String) -> String {
        let new = new.split(separator: "\n")
        let old = old.split(separator: "\n")
        return new.difference(from: old).map { change in
            switch change {
            case .remove(let line, let text, _): "- \(line + 1): \(text)"
            case .insert(let line, let text, _): "+ \(line + 1): \(text)"
            }
        }.joined(separator: "\n")
    }
}
