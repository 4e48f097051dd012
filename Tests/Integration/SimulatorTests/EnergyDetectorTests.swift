import Foundation
import ProviderSimulator
import Testing

@Suite struct EnergyDetectorTests {
    private static let rate = 24_000

    private func silence(_ milliseconds: Int) -> [Int16] { [Int16](repeating: 0, count: milliseconds * 24) }
    private func tone(_ milliseconds: Int, amplitude: Double = 6_000, offset: Double = 0) -> [Int16] {
        (0..<(milliseconds * 24)).map { Int16(offset + amplitude * sin(2 * .pi * 200 * Double($0) / 24_000)) }
    }
    /// Feeds the sound in pieces of `step` samples.
    private func changes(
        _ sound: [Int16], _ settings: TurnDetection = TurnDetection(), step: Int = 480
    ) -> [EnergyDetector.Change] {
        var detector = EnergyDetector(rate: Self.rate, settings: settings)
        var found: [EnergyDetector.Change] = []
        for start in stride(from: 0, to: sound.count, by: step) {
            let piece = Array(sound[start..<min(start + step, sound.count)])
            found += piece.withUnsafeBufferPointer { detector.process($0) }
        }
        return found
    }

    @Test("a turn begins where its sound begins and ends after the configured silence")
    func positions() {
        let sound = silence(1_000) + tone(800) + silence(1_000)
        #expect(changes(sound) == [.started(at: 24_000), .stopped(at: (1_800 + 500) * 24)])
        let patient = TurnDetection(silenceMilliseconds: 900)
        #expect(changes(sound, patient) == [.started(at: 24_000), .stopped(at: (1_800 + 900) * 24)])
    }

    @Test("the size of the pieces does not matter", arguments: [1, 7, 239, 240, 960, 100_000])
    func pieces(step: Int) {
        let sound = silence(310) + tone(600) + silence(700)
        #expect(changes(sound, step: step) == changes(sound))
    }

    @Test("a pause shorter than the configured silence does not end a turn")
    func pause() {
        let sound = tone(500) + silence(400) + tone(500) + silence(600)
        #expect(changes(sound) == [.started(at: 0), .stopped(at: (1_400 + 500) * 24)])
        let hasty = TurnDetection(silenceMilliseconds: 200)
        #expect(changes(sound, hasty).count == 4)
    }

    @Test("a higher threshold does not hear quiet speech")
    func threshold() {
        let quiet = silence(200) + tone(500, amplitude: 600) + silence(600)
        #expect(changes(quiet, TurnDetection(threshold: 0.5)).count == 2)
        #expect(changes(quiet, TurnDetection(threshold: 0.9)).isEmpty)
    }

    @Test("a click, silence and a constant offset are no speech")
    func noSpeech() {
        #expect(changes(silence(500) + tone(20) + silence(500)).isEmpty)
        #expect(changes(silence(3_000)).isEmpty)
        #expect(changes(tone(2_000, amplitude: 0, offset: 8_000)).isEmpty)
    }

    @Test("both built-in voices are heard as speech")
    func builtInVoice() {
        let spoken = silence(300) + ToneVoice.speak("Tell me about an ordinary day.", speed: 1) + silence(600)
        #expect(changes(spoken).count == 2)
    }
}
