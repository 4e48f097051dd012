import Glibc
import InterviewCore
import WireFormats

/// Puts the parts of one conversation together: one Ogg file of two tracks whose time is the conversation's own, as in
/// the transcript. Takes what a killed process left, over all owners.
package enum RecordingJoin {
    package enum Failure: Error, Hashable, Sendable {
        /// No part in any of these folders.
        case nothing(folders: [String])
        /// There are files, and none of them can be used.
        case nothingUsable
        case exists(path: String)
        case notWritten(call: String, code: String)
    }

    package struct Report: Hashable, Sendable {
        package var parts: Int
        /// Units of 48 kHz.
        package var length: Int64
        package var findings: [JoinPlan.Finding]
    }

    /// `folders`: where the session's parts may lie, best first; of a part that lies in several, the longest counts.
    package static func plan(session: String, folders: [String]) throws(Failure) -> JoinPlan {
        var best: [PartName: PartFacts] = [:]
        var unreadable: [JoinPlan.Finding] = []
        var found = false
        for folder in folders {
            for name in PartFolder.parts(in: folder, session: session) {
                found = true
                let path = "\(folder)/\(name.file)"
                guard let facts = PartReader.facts(name, at: path) else {
                    unreadable.append(.unreadable(path: path))
                    continue
                }
                if let other = best[name], other.length >= facts.length { continue }
                best[name] = facts
            }
        }
        guard found else { throw .nothing(folders: folders) }
        var plan = JoinPlan(Array(best.values))
        for finding in unreadable { plan.note(finding) }
        guard !plan.stretches.isEmpty else { throw .nothingUsable }
        return plan
    }

    /// Joins into a new file at `output`; `replace`: an old one there is replaced when the new one is whole.
    package static func join(
        session: String, folders: [String], output: String, replace: Bool
    ) throws(Failure) -> Report {
        if !replace, access(output, F_OK) == 0 { throw .exists(path: output) }
        var plan = try plan(session: session, folders: folders)
        do {
            var file: JoinedFile?
            for stretch in plan.stretches {
                guard let (tracks, preSkips) = packets(of: stretch, folders: folders) else {
                    plan.note(.unreadable(path: stretch.part.path))
                    continue
                }
                let target = try file ?? JoinedFile(path: output, session: session, preSkips: preSkips)
                file = target
                try target.append(tracks, until: stretch.end)
            }
            guard let file else { throw Failure.nothingUsable }
            try file.finish(length: plan.length)
        } catch let error as RecordingError {
            throw .notWritten(call: error.call, code: error.name)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .nothingUsable
        }
        return Report(parts: plan.stretches.count, length: plan.length, findings: plan.findings)
    }

    /// A part of a running conversation may have moved from one folder to the other since it was planned.
    private static func packets(
        of stretch: JoinPlan.Stretch, folders: [String]
    ) -> (tracks: [[(place: Int64, packet: OggContents.Packet)]], preSkips: [UInt16])? {
        var part = stretch.part
        for path in [part.path] + folders.map({ "\($0)/\(part.name.file)" }) {
            part.path = path
            if let found = PartReader.packets(of: part, before: stretch.end) { return found }
        }
        return nil
    }
}
