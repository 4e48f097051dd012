import InterviewCore

/// Decides which part of a recording each packet belongs to, and how much silence comes before it. Both tracks of a part
/// begin at its start. The tracks may be minutes apart: after a break the participant's sound comes faster than real time
/// while the agent's goes on, so several parts are open until both tracks have left them. Leaves files to `PartFile`.
package struct PartLayout: Sendable {
    package enum Operation: Hashable, Sendable {
        case open(part: Int, start: Int64)
        case silence(part: Int, track: RecordedTrack, units: Int64)
        /// The packet in question.
        case packet(part: Int, track: RecordedTrack)
        /// Both tracks are `length` units long.
        case close(part: Int, length: Int64)
    }

    private struct Part: Sendable {
        let number: Int
        let start: Int64
        var end: Int64
        /// By track: units written.
        var written: [Int64] = [0, 0]
        var left: [Bool] = [false, false]
    }

    private let beginning: Int64
    /// Open parts, oldest first; the newest is always among them.
    private var parts: [Part] = []
    private var nextNumber = 0
    /// By track: the part it is in.
    private var current = [0, 0]

    package init(beginning: Int64) { self.beginning = beginning }

    /// Where the next packet of the track would follow without a gap.
    private func head(_ track: RecordedTrack) -> Int64 {
        guard let part = parts.first(where: { $0.number == current[track.index] }) else { return beginning }
        return part.start + part.written[track.index]
    }

    package mutating func add(_ track: RecordedTrack, position: Int64, units: Int64) -> [Operation] {
        var operations: [Operation] = []
        // What is under a grain early or late is rounding; what is earlier overlaps and follows the last packet.
        let place = max(position, head(track))
        reach(place, &operations)
        guard let target = parts.firstIndex(where: { $0.number >= current[track.index] && place < $0.end })
        else { return operations }
        leave(track, before: parts[target].number, &operations)
        guard let index = parts.firstIndex(where: { $0.number == current[track.index] }) else { return operations }
        let number = parts[index].number
        let gap = AudioUnits.perGrainFloor(place - parts[index].start - parts[index].written[track.index])
        if gap > 0 {
            operations.append(.silence(part: number, track: track, units: gap))
            parts[index].written[track.index] += gap
        }
        operations.append(.packet(part: number, track: track))
        parts[index].written[track.index] += units
        return operations
    }

    /// `position`: both tracks are to end there (or where the longer one does); nil: where the longer one does.
    package mutating func finish(at position: Int64?) -> [Operation] {
        var operations: [Operation] = []
        let heads = RecordedTrack.allCases.map { head($0) }.max() ?? beginning
        let end = max(position ?? heads, heads)
        let edge = parts.last.map { $0.end + RecorderSettings.edgeUnits } ?? beginning
        if end > edge, end - edge <= RecorderSettings.longestSilence { reach(end - 1, &operations) }
        for part in parts {
            let last = part.number == nextNumber - 1
            let length = last ? max(end - part.start, part.written.max() ?? 0) : part.end - part.start
            operations.append(.close(part: part.number, length: length))
        }
        parts = []
        return operations
    }

    /// Opens parts until one holds `place`.
    private mutating func reach(_ place: Int64, _ operations: inout [Operation]) {
        while true {
            let edge = parts.last?.end ?? beginning
            if !parts.isEmpty, place < edge { return }
            var start = edge
            if place - edge > RecorderSettings.longestSilence {
                start = place
            } else if !parts.isEmpty, place < edge + RecorderSettings.edgeUnits {
                // The old part grows to where the new one begins, so that nothing lies between them.
                start = place
                parts[parts.count - 1].end = place
            }
            parts.append(Part(number: nextNumber, start: start, end: start + RecorderSettings.partUnits))
            operations.append(.open(part: nextNumber, start: start))
            nextNumber += 1
            while parts.count > RecorderSettings.mostOpenParts, parts.count > 1 {
                let next = parts[1].number
                for track in RecordedTrack.allCases { leave(track, before: next, &operations) }
            }
        }
    }

    private mutating func leave(_ track: RecordedTrack, before number: Int, _ operations: inout [Operation]) {
        guard current[track.index] < number else { return }
        current[track.index] = number
        for index in parts.indices where parts[index].number < number { parts[index].left[track.index] = true }
        while let first = parts.first, first.left.allSatisfy({ $0 }), parts.count > 1 {
            operations.append(.close(part: first.number, length: first.end - first.start))
            parts.removeFirst()
        }
    }
}

extension AudioUnits {
    /// `units` without what is less than 2.5 ms; negative ones count as 0.
    fileprivate static func perGrainFloor(_ units: Int64) -> Int64 { units <= 0 ? 0 : units - units % grain }
}
