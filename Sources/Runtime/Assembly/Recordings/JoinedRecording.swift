import Foundation
import InterviewCore
import OggRecorder
import Settings

/// Joins the parts of one conversation for a person: where they lie, and in words what became of it.
package struct JoinedRecording: Sendable {
    /// For standard output: one line.
    package let summary: String
    /// For standard error: what is missing or different from what a listener would expect, a line each.
    package let remarks: [String]

    /// `subject`: a session's id, whose parts lie where `configuration` says, or a folder with parts (anything with a
    /// `/` in it). Throws why there is no result, in a sentence.
    package init(
        of subject: String, to output: String, replace: Bool, configuration: Configuration
    ) throws(JoinedRecordingError) {
        let session: String
        let folders: [String]
        if subject.contains("/") {
            let folder = URL(filePath: subject).standardizedFileURL.path(percentEncoded: false)
            let trimmed = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
            session = trimmed.split(separator: "/").last.map(String.init) ?? ""
            folders = [trimmed]
        } else {
            session = subject
            folders = [
                "\(configuration.objectsFolder)/recordings/\(subject)", "\(configuration.recordingsFolder)/\(subject)",
            ]
        }
        guard SessionID(session) != nil else { throw .badSession(session) }
        do {
            let report = try RecordingJoin.join(session: session, folders: folders, output: output, replace: replace)
            let parts = report.parts == 1 ? "1 part" : "\(report.parts) parts"
            summary = "\(output): \(Self.clock(report.length)), two tracks, from \(parts)."
            remarks = report.findings.map(Self.words)
        } catch { throw .join(error) }
    }

    private static func words(_ finding: JoinPlan.Finding) -> String {
        switch finding {
        case .missing(let epoch, let parts):
            parts.count == 1
                ? "part \(parts.lowerBound) of owner \(epoch) is missing"
                : "parts \(parts.lowerBound) to \(parts.upperBound) of owner \(epoch) are missing"
        case .gap(let from, let to): "silent from \(clock(from)) to \(clock(to)): no part covers it"
        case .cut(let part, let end):
            "\(part.file) was not finished (its process was killed, or its disk full): it plays up to \(clock(end))"
        case .damaged(let part, let pages): "\(part.file) has \(pages) damaged or missing pages"
        case .replaced(let epoch, let from, let to):
            "owner \(epoch)'s sound from \(clock(from)) to \(clock(to)) is left out: the next owner recorded that time "
                + "again"
        case .misplaced(let part): "\(part.file) begins before the part in front of it and is left out"
        case .unreadable(let path): "\(path) cannot be read, or is no part of a recording"
        case .absurd(let part): "\(part.file) claims a time that no conversation reaches and is left out"
        }
    }

    /// `1:02:03.4`
    private static func clock(_ units: Int64) -> String {
        let tenths = units * 10 / AudioUnits.perSecond
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60)
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":\(two(seconds)).\(tenths % 10)"
    }
}

package enum JoinedRecordingError: Error, Sendable, CustomStringConvertible {
    case badSession(String)
    case join(RecordingJoin.Failure)

    package var description: String {
        switch self {
        case .badSession:
            "That is no session's id (1 to 64 characters of A-Z a-z 0-9 _ -), and a folder's name has to be one too."
        case .join(.nothing(let folders)):
            """
            There is no part of this recording in \(folders.joined(separator: ", nor in ")).
            Name the right --config (it says where recordings are), or a folder: ./SESSION
            """
        case .join(.nothingUsable): "There are files, and none of them is a readable part of a recording."
        case .join(.exists(let path)): "\(path) exists already; --force replaces it."
        case .join(.notWritten(let call, let code)): "The result could not be written (\(call): \(code))."
        }
    }
}
