import Foundation
import NIOCore
import ProviderSimulator
import Testing

@Suite struct SoundTests {
    @Test("resampling keeps a tone within 60 dB", arguments: [(22_050, 24_000, 3_000.0), (24_000, 8_000, 1_000.0)])
    func resampling(source: Int, target: Int, frequency: Double) {
        let wave = { (rate: Int) in
            (0..<rate).map { Int16(12_000 * sin(2 * .pi * frequency * Double($0) / Double(rate))) }
        }
        let resampled = Resampler(from: source, to: target).resample(wave(source))
        let wanted = wave(target)
        #expect(resampled.count == target)
        let middle = (target / 10)..<(target * 9 / 10)
        let power = middle.reduce(0.0) { $0 + pow(Double(wanted[$1]), 2) }
        let error = middle.reduce(0.0) { $0 + pow(Double(wanted[$1]) - Double(resampled[$1]), 2) }
        #expect(10 * log10(power / max(error, 1e-9)) > 60)
    }

    @Test("what lies above the new Nyquist frequency is gone")
    func noAliases() {
        let high = (0..<24_000).map { Int16(12_000 * sin(2 * .pi * 6_000 * Double($0) / 24_000)) }
        let resampled = Resampler(from: 24_000, to: 8_000).resample(high)
        #expect(resampled[800..<7_200].allSatisfy { abs(Int($0)) < 24 })
    }

    @Test("G.711 gives every code back")
    func telephone() {
        for code in UInt8.min...UInt8.max {
            #expect(G711.aLaw(G711.linear(aLaw: code)) == code)
            // Two codes of μ-law mean zero.
            if code != 0x7F { #expect(G711.muLaw(G711.linear(muLaw: code)) == code) }
        }
        #expect(G711.linear(muLaw: 0x80) == 32_124)
        #expect(G711.linear(aLaw: 0xAA) == 32_256)
        #expect(G711.muLaw(.min) == 0x00)
    }

    @Test("a WAVE file whose writer did not know its length is read to the end")
    func wave() {
        var bytes = Array("RIFF".utf8) + [0xFF, 0xFF, 0xFF, 0x7F] + Array("WAVEfmt ".utf8) + [16, 0, 0, 0]
        bytes += [1, 0, 1, 0, 0x22, 0x56, 0, 0, 0x44, 0xAC, 0, 0, 2, 0, 16, 0]
        bytes += Array("data".utf8) + [0, 0xF0, 0xFF, 0x7F, 1, 0, 0xFE, 0xFF]
        let file = WaveFile(bytes)
        #expect(file?.rate == 22_050)
        #expect(file?.samples == [1, -2])
        for length in 0..<bytes.count { _ = WaveFile(Array(bytes.prefix(length))) }
    }

    @Test("the deltas of a phrase are its sound and its words are its text")
    func phrase() {
        let samples = ToneVoice.speak("Two words, and more.", speed: 1)
        let phrase = Phrase(text: "Two words, and more.", samples: samples, format: .pcm, deltaBytes: 4_800)
        var sound: [UInt8] = []
        for delta in phrase.deltas {
            let text = delta.text.withUnsafeReadableBytes { Base64.decode($0) }
            #expect(text?.count == delta.bytes)
            sound += text ?? []
        }
        #expect(sound == AudioFormat.pcm.bytes(of: samples))
        #expect(phrase.words.map(\.text).joined() == phrase.text)
        #expect(phrase.heard(upTo: 0) == "")
        #expect(phrase.heard(upTo: phrase.milliseconds / 2) == "Two words,")
    }

    @Test("a buffer cuts turns by position and keeps odd bytes for the next append")
    func inputBuffer() {
        var buffer = InputBuffer(format: .pcm)
        let bytes = (0..<4_800).map { UInt8(truncatingIfNeeded: $0 * 7) }
        _ = buffer.append(Array(bytes[..<1_001]), keeping: 10_000)
        #expect(buffer.position == 500)
        _ = buffer.append(Array(bytes[1_001...]), keeping: 10_000)
        #expect(buffer.position == 2_400)
        let turn = buffer.commit(from: 100, to: 1_300)
        #expect(turn.audio.readableBytesView.elementsEqual(bytes[200..<2_600]))
        let rest = buffer.commit(from: 0, to: 99_999)
        #expect(rest.from == 1_300 && rest.to == 2_400)
        #expect(rest.audio.readableBytesView.elementsEqual(bytes[2_600...]))
        #expect(buffer.commit(from: 0, to: 99_999).audio.readableBytes == 0)
    }
}
