import InterviewCore
import ParticipantLoad

/// Compares what a participant captured, frame by frame, with what a provider connection heard. Silence may have been
/// put in anywhere; nothing may be missing, doubled or in another order. Frames are PCM and every one differs from its
/// neighbours (the room is noisy), so that equal means equal to the sample.
package struct CaptureComparison {
    /// Frames of the capture.
    package private(set) var total = 0
    /// Frames found in their order.
    package private(set) var matched = 0
    /// Frames that should have been found before what was found next, or at all.
    package private(set) var missing = 0
    /// Samples that are neither silence nor the capture's.
    package private(set) var strangers = 0
    package private(set) var silence = 0
    /// Capture times of the first frame of each stretch that is missing.
    package private(set) var losses: [UInt32] = []

    /// Lost frames that are looked over for the next one that was heard: 60 s.
    private static let longestLoss = 3_000

    /// After so many samples that are somebody else's (two frames), the rest is another participant's sound.
    private static let mostStrangers = 960

    package static func frames(of captured: ArraySlice<ParticipantReport.Capture>, _ voice: PreparedVoice) -> [[Int16]]
    {
        captured.map { LittleEndian.samples(voice.payload($0.source)) }
    }

    /// `frames` of `captured`, made once for all that they are compared with.
    package init(frames: [[Int16]], captured: ArraySlice<ParticipantReport.Capture>, heard: [Int16]) {
        let times = captured.map(\.timestamp)
        total = frames.count
        var next = 0
        var at = 0
        while next < frames.count {
            if Self.equal(frames[next], heard, at) {
                at += frames[next].count
                next += 1
                matched += 1
            } else if at < heard.count, heard[at] == 0 {
                at += 1
                silence += 1
            } else if at < heard.count, strangers < Self.mostStrangers,
                let found = (next..<min(next + Self.longestLoss, frames.count))
                    .first(where: { Self.equal(frames[$0], heard, at) })
            {
                losses.append(times[next])
                missing += found - next
                next = found
            } else if at < heard.count, strangers < Self.mostStrangers {
                at += 1
                strangers += 1
            } else {
                losses.append(times[next])
                missing += frames.count - next
                next = frames.count
            }
        }
    }

    package var isComplete: Bool { total > 0 && matched == total && strangers == 0 }
    package var missingMilliseconds: Int { missing * 20 }

    private static func equal(_ frame: [Int16], _ heard: [Int16], _ at: Int) -> Bool {
        guard at + frame.count <= heard.count else { return false }
        for index in frame.indices where frame[index] != heard[at + index] { return false }
        return true
    }
}
