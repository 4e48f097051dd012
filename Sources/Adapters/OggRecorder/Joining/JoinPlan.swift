import InterviewCore

/// What is known of one part on the disk.
package struct PartFacts: Hashable, Sendable {
    package var name: PartName
    package var path: String
    /// 48 kHz units since the conversation began.
    package var start: Int64
    /// What its longer track plays.
    package var length: Int64
    /// Both tracks have their last page; a killed process leaves a part without.
    package var isWhole: Bool
    /// Pages that were missing or damaged.
    package var lostPages: Int

    package init(
        name: PartName, path: String, start: Int64, length: Int64, isWhole: Bool = true, lostPages: Int = 0
    ) {
        self.name = name
        self.path = path
        self.start = start
        self.length = length
        self.isWhole = isWhole
        self.lostPages = lostPages
    }
}

/// Which stretch of which part makes up the conversation. Each part lies where its tags say. A later owner's recording
/// replaces an earlier one's from the point where it goes on: that is where the journal says the conversation went on,
/// and what the participant had said after it was sent and recorded again.
package struct JoinPlan: Hashable, Sendable {
    package struct Stretch: Hashable, Sendable {
        package var part: PartFacts
        /// Up to here it is used, 48 kHz units since the conversation began.
        package var end: Int64
    }

    /// What is not as a listener would expect it; times in 48 kHz units since the conversation began.
    package enum Finding: Hashable, Sendable {
        /// Numbers between others of the same owner that are not there.
        case missing(epoch: Int64, parts: ClosedRange<Int>)
        /// No part covers this: nobody was there, or parts are missing. Silent in the result.
        case gap(from: Int64, to: Int64)
        /// Its process was killed or its disk full: it plays up to here.
        case cut(PartName, at: Int64)
        case damaged(PartName, pages: Int)
        /// Said to an owner that died and not journaled: replaced by what the next owner recorded.
        case replaced(epoch: Int64, from: Int64, to: Int64)
        /// Begins before the part in front of it; left out.
        case misplaced(PartName)
        /// Cannot be read, or is no part of a recording.
        case unreadable(path: String)
        /// Begins so late that the tags cannot be true; left out.
        case absurd(PartName)
    }

    package private(set) var stretches: [Stretch] = []
    package private(set) var findings: [Finding] = []

    /// A conversation over all its owners and interruptions: what is later is no conversation of ours.
    package static let longest: Int64 = 48 * 3_600 * AudioUnits.perSecond
    /// Shorter gaps are the rounding between two packets.
    package static let shortestGap: Int64 = 100 * AudioUnits.perMillisecond

    /// In 48 kHz units, silence before the first part included.
    package var length: Int64 { stretches.last?.end ?? 0 }

    package init(_ found: [PartFacts]) {
        var parts: [PartFacts] = []
        for part in found.sorted(by: { $0.name < $1.name }) {
            let fits = part.start >= 0 && part.start <= Self.longest && part.length <= Self.longest - part.start
            if !fits {
                findings.append(.absurd(part.name))
            } else if let last = parts.last, last.name.epoch == part.name.epoch, part.start < last.start {
                findings.append(.misplaced(part.name))
            } else {
                parts.append(part)
            }
        }
        noteMissing(parts)
        place(parts)
        noteGaps()
    }

    private mutating func noteMissing(_ parts: [PartFacts]) {
        for (index, part) in parts.enumerated() {
            let previous = index > 0 && parts[index - 1].name.epoch == part.name.epoch ? parts[index - 1] : nil
            let expected = (previous?.name.number ?? -1) + 1
            if part.name.number > expected {
                findings.append(.missing(epoch: part.name.epoch, parts: expected...part.name.number - 1))
            }
        }
    }

    private mutating func place(_ parts: [PartFacts]) {
        for (index, part) in parts.enumerated() {
            let epoch = part.name.epoch
            // Where any later owner goes on.
            let taken = parts[(index + 1)...].lazy.filter { $0.name.epoch > epoch }.map(\.start).min()
            let next = index + 1 < parts.count && parts[index + 1].name.epoch == epoch ? parts[index + 1].start : nil
            let whole = part.start + part.length
            if part.lostPages > 0 { findings.append(.damaged(part.name, pages: part.lostPages)) }
            if !part.isWhole { findings.append(.cut(part.name, at: whole)) }
            let end = min(whole, taken ?? .max, next ?? .max)
            if let taken, taken < whole {
                noteReplaced(epoch: epoch, from: max(taken, part.start), to: whole)
            }
            if end > part.start { stretches.append(Stretch(part: part, end: end)) }
        }
        stretches.sort { ($0.part.start, $0.part.name) < ($1.part.start, $1.part.name) }
    }

    /// Stretches of one owner that follow each other are one.
    private mutating func noteReplaced(epoch: Int64, from: Int64, to: Int64) {
        for (index, finding) in findings.enumerated() {
            if case .replaced(epoch, let begin, let end) = finding, from <= end + Self.shortestGap {
                findings[index] = .replaced(epoch: epoch, from: begin, to: max(end, to))
                return
            }
        }
        findings.append(.replaced(epoch: epoch, from: from, to: to))
    }

    private mutating func noteGaps() {
        var end: Int64 = 0
        for stretch in stretches {
            if stretch.part.start - end > Self.shortestGap { findings.append(.gap(from: end, to: stretch.part.start)) }
            end = max(end, stretch.end)
        }
    }

    mutating func note(_ finding: Finding) { findings.append(finding) }
}
