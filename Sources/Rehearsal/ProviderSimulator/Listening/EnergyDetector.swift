import Foundation

/// Tells speech from silence by the energy of 10 ms frames. It decides by the sound alone, never by a clock: the same
/// samples give the same positions however fast they arrive.
package struct EnergyDetector: Sendable {
    package enum Change: Equatable, Sendable {
        /// Sound loud enough to be speech began at sample `at`.
        case started(at: Int)
        /// Silence lasted as long as configured; the turn ends at sample `at`, silence included.
        case stopped(at: Int)
    }

    private static let frameMilliseconds = 10
    /// Shorter sounds are clicks: 40 ms of loud frames, quiet ones counting against them.
    private static let framesToStart = 4

    private let samplesPerFrame: Int
    private let startEnergy: Double
    private let keepEnergy: Double
    private let framesToStop: Int

    /// Samples seen so far.
    package private(set) var position: Int
    package private(set) var isSpeaking = false
    private var onset = 0
    private var onsetPosition = 0
    private var silentFrames = 0
    private var count = 0
    private var sum: Int64 = 0
    private var squares: Int64 = 0

    package init(rate: Int, settings: TurnDetection, position: Int = 0) {
        samplesPerFrame = rate * Self.frameMilliseconds / 1_000
        let level = Self.amplitude(of: settings.threshold)
        startEnergy = level * level
        keepEnergy = startEnergy / 2
        framesToStop = max(1, (settings.silenceMilliseconds + Self.frameMilliseconds - 1) / Self.frameMilliseconds)
        self.position = position
    }

    /// Threshold 0 hears −60 dBFS, 0.5 hears −42 dBFS, 1 hears −24 dBFS: ordinary speech has −30 to −18.
    package static func amplitude(of threshold: Double) -> Double {
        32_768 * pow(10, (-60 + 36 * min(max(threshold, 0), 1)) / 20)
    }

    package mutating func process(_ samples: UnsafeBufferPointer<Int16>) -> [Change] {
        var changes: [Change] = []
        var index = 0
        while index < samples.count {
            let take = min(samplesPerFrame - count, samples.count - index)
            var sum: Int64 = 0
            var squares: Int64 = 0
            for sample in samples[index..<(index + take)] {
                sum &+= Int64(sample)
                squares &+= Int64(sample) &* Int64(sample)
            }
            self.sum &+= sum
            self.squares &+= squares
            count += take
            index += take
            position += take
            guard count == samplesPerFrame else { continue }
            if let change = frameEnded() { changes.append(change) }
        }
        return changes
    }

    private mutating func frameEnded() -> Change? {
        let frames = Double(count)
        let mean = Double(sum) / frames
        // The mean is what a microphone's offset adds; it is no sound.
        let energy = Double(squares) / frames - mean * mean
        count = 0
        sum = 0
        squares = 0
        return isSpeaking ? whileSpeaking(energy) : whileSilent(energy)
    }

    private mutating func whileSilent(_ energy: Double) -> Change? {
        guard energy >= startEnergy else {
            onset = max(0, onset - 1)
            return nil
        }
        if onset == 0 { onsetPosition = position - samplesPerFrame }
        onset += 1
        guard onset >= Self.framesToStart else { return nil }
        isSpeaking = true
        onset = 0
        silentFrames = 0
        return .started(at: onsetPosition)
    }

    private mutating func whileSpeaking(_ energy: Double) -> Change? {
        guard energy < keepEnergy else {
            silentFrames = 0
            return nil
        }
        silentFrames += 1
        guard silentFrames >= framesToStop else { return nil }
        isSpeaking = false
        return .stopped(at: position)
    }
}
