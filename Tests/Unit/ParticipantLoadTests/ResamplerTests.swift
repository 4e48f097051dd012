import Foundation
import ParticipantLoad
import Testing

@Suite("Resampler")
struct ResamplerTests {
    private func tone(_ hertz: Double, rate: Int, count: Int) -> [Float] {
        (0..<count).map { Float(0.5 * sin(2 * .pi * hertz * Double($0) / Double(rate))) }
    }

    private func signalToNoise(_ wanted: [Float], _ got: [Float]) -> Double {
        let margin = 400
        var signal = 0.0
        var noise = 0.0
        for index in margin..<min(wanted.count, got.count) - margin {
            signal += Double(wanted[index] * wanted[index])
            noise += pow(Double(wanted[index] - got[index]), 2)
        }
        return 10 * log10(signal / max(noise, 1e-30))
    }

    @Test("a tone in the pass band keeps its shape", arguments: [(8_000, 48_000), (22_050, 24_000), (48_000, 24_000)])
    func tones(from: Int, to: Int) {
        let input = tone(1_000, rate: from, count: from)
        let output = Resampler(from: from, to: to).convert(input)
        #expect(output.count == to)
        #expect(signalToNoise(tone(1_000, rate: to, count: to), output) > 70)
    }

    @Test("what the lower rate cannot carry is taken out")
    func aliases() {
        let output = Resampler(from: 48_000, to: 24_000).convert(tone(13_500, rate: 48_000, count: 48_000))
        let loudest = output.dropFirst(400).dropLast(400).map(abs).max() ?? 1
        #expect(loudest < 0.5 / 1_000)
    }

    @Test("equal rates change nothing, and loud samples are clipped rather than wrapped")
    func edges() {
        #expect(Resampler(from: 24_000, to: 24_000).convert([0.1, 0.2]) == [0.1, 0.2])
        #expect(Resampler.samples16([1.5, -1.5, 0]) == [32_767, -32_768, 0])
    }
}
