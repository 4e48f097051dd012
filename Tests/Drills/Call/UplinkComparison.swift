import Foundation

/// Compares what a participant sent, frame by frame, with what the provider heard. Between frames voiced may have put
/// silence (a participant who joins, stalls or stops leaves a gap, and the provider's voice detector must not starve);
/// nothing else may differ.
struct UplinkComparison {
    /// Frames that were found, in order.
    private(set) var matched = 0
    private(set) var total: Int
    /// Samples of silence put in: before the first frame, between frames, after the last.
    private(set) var silenceBefore = 0
    private(set) var silenceInside = 0
    private(set) var silenceAfter = 0
    /// After the last frame, other than silence.
    private(set) var strangers = 0
    private(set) var equalFrames = 0
    private var signal = 0.0
    private var noise = 0.0

    static let samplesPerFrame = 480

    /// `tolerance`: largest difference of a sample that still counts as the same frame; 0 for PCM.
    init(sent: [[Int16]], heard: [Int16], tolerance: Int) {
        total = sent.count
        var at = 0
        for frame in sent {
            while at + frame.count <= heard.count {
                if let difference = Self.difference(frame, heard, at), difference <= tolerance { break }
                guard heard[at] == 0 else { break }
                if matched == 0 { silenceBefore += 1 } else { silenceInside += 1 }
                at += 1
            }
            guard at + frame.count <= heard.count, let difference = Self.difference(frame, heard, at),
                difference <= tolerance
            else { return }
            if difference == 0 { equalFrames += 1 }
            add(frame, heard, at)
            at += frame.count
            matched += 1
        }
        let rest = heard[at...]
        silenceAfter = rest.count { $0 == 0 }
        strangers = rest.count - silenceAfter
    }

    var isComplete: Bool { matched == total && total > 0 }

    /// Of all matched frames; 200 stands for bit-equal.
    var decibels: Double {
        guard matched > 0 else { return 0 }
        return noise == 0 ? 200 : 10 * log10(max(signal, 1) / noise)
    }

    private mutating func add(_ frame: [Int16], _ heard: [Int16], _ at: Int) {
        for (index, sample) in frame.enumerated() {
            signal += Double(sample) * Double(sample)
            let difference = Double(sample) - Double(heard[at + index])
            noise += difference * difference
        }
    }

    private static func difference(_ frame: [Int16], _ heard: [Int16], _ at: Int) -> Int? {
        var largest = 0
        for (index, sample) in frame.enumerated() {
            largest = max(largest, abs(Int(sample) - Int(heard[at + index])))
            // Most places are wrong at once: no need to look on.
            if largest > 64 { return nil }
        }
        return largest
    }
}
