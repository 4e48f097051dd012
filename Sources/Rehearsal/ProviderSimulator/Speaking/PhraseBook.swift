import NIOCore
import NIOPosix
import Synchronization

/// Speaks texts and remembers them: a hundred sessions that ask the same question share its sound and its base64.
package final class PhraseBook: Sendable {
    package struct Key: Hashable, Sendable {
        package var text: String
        package var format: AudioFormat
        /// In hundredths, so that it can be compared.
        package var speedPercent: Int
        package var voice: String

        package init(text: String, format: AudioFormat = .pcm, speedPercent: Int = 100, voice: String) {
            self.text = text
            self.format = format
            self.speedPercent = speedPercent
            self.voice = voice
        }
    }
    /// About half a megabyte each.
    package static let maximumPhrases = 128
    /// A client may ask for any text with `response.create`; nobody listens to more than this.
    package static let maximumCharacters = 4_000

    private let pool: NIOThreadPool
    private let espeak: EspeakVoice?
    private let deltaBytes: Int
    private let toPCM = Resampler(from: 22_050, to: 24_000)
    private let toTelephone = Resampler(from: 24_000, to: 8_000)
    private let phrases = Mutex<[Key: Phrase]>([:])

    package init(voice: SimulatorOptions.Voice, deltaBytes: Int, pool: NIOThreadPool) throws(SimulatorError) {
        switch voice {
        case .tone: espeak = nil
        case .automatic: espeak = try? EspeakVoice()
        case .espeak:
            do { espeak = try EspeakVoice() } catch { throw .voiceUnavailable("espeak-ng is not installed") }
        }
        self.deltaBytes = deltaBytes
        self.pool = pool
    }

    package var voiceName: String { espeak == nil ? "tone" : "espeak-ng" }

    /// Blocking. Says a word, so that a voice that does not exist is found out at the start.
    package func tryVoice(_ name: String) throws(SimulatorError) {
        guard let espeak else { return }
        do throws(EspeakVoice.Failure) {
            _ = try espeak.speak("yes", voice: name, speed: 1)
        } catch {
            throw .voiceUnavailable("espeak-ng does not speak '\(name)'")
        }
    }

    /// Answers at once for a text spoken before.
    package func phrase(_ key: Key, on loop: any EventLoop) -> EventLoopFuture<Phrase> {
        if let phrase = remembered(key) { return loop.makeSucceededFuture(phrase) }
        return pool.runIfActive(eventLoop: loop) { self.render(key) }
    }

    /// Blocking.
    package func render(_ key: Key) -> Phrase {
        if let phrase = remembered(key) { return phrase }
        var samples = speak(String(key.text.prefix(Self.maximumCharacters)), key)
        if key.format.rate == 8_000 { samples = toTelephone.resample(samples) }
        let phrase = Phrase(text: key.text, samples: samples, format: key.format, deltaBytes: deltaBytes)
        phrases.withLock { phrases in
            if phrases.count >= Self.maximumPhrases, let any = phrases.keys.first { phrases[any] = nil }
            phrases[key] = phrase
        }
        return phrase
    }

    private func remembered(_ key: Key) -> Phrase? { phrases.withLock { $0[key] } }

    /// 24 kHz. A synthesiser that fails is replaced by the tone: a rehearsal goes on.
    private func speak(_ text: String, _ key: Key) -> [Int16] {
        let speed = Double(key.speedPercent) / 100
        guard let wave = try? espeak?.speak(text, voice: key.voice, speed: speed) else {
            return ToneVoice.speak(text, speed: speed)
        }
        return wave.rate == 22_050
            ? toPCM.resample(wave.samples) : Resampler(from: wave.rate, to: 24_000).resample(wave.samples)
    }
}
