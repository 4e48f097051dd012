import Foundation
import Testing
import WireFormats

@Suite("PCMDeltas")
struct PCMDeltasTests {
    @Test("samples come out as they went in, little end first")
    func samples() throws {
        var deltas = PCMDeltas()
        #expect(try Self.decode("AQD/fwCA", &deltas) == [1, .max, .min])
        #expect(try Self.decode("", &deltas).isEmpty)
    }

    @Test("a sample that is split over deltas is put together, but not over items")
    func odd() throws {
        let samples = (0..<2_000).map { Int16(truncatingIfNeeded: $0 &* 31_337) }
        let bytes = samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        var deltas = PCMDeltas()
        var heard: [Int16] = []
        var rest = bytes[...]
        var random = SplitMix(state: 7)
        while !rest.isEmpty {
            let piece = rest.prefix(Int(random.next() % 97) + 1)
            rest = rest.dropFirst(piece.count)
            heard += try Self.decode(Data(piece).base64EncodedString(), &deltas)
        }
        #expect(heard == samples)

        #expect(try Self.decode(Data([1, 0, 9]).base64EncodedString(), &deltas) == [1])
        deltas.startItem()
        #expect(try Self.decode(Data([2, 0]).base64EncodedString(), &deltas) == [2])
    }

    @Test("slashes may come escaped")
    func escaped() throws {
        var deltas = PCMDeltas()
        #expect(try Self.decode(#"\/\/8="#, &deltas) == [-1])
        #expect(try Self.decode(#"\u0041A=="#, &deltas).isEmpty)
        #expect(try Self.decode("/w==", &deltas) == [-256])
    }

    @Test("sound that is no base64 is an error, and the next delta is not harmed")
    func refused() throws {
        for text in ["A", "AAA*", #"\q"#, "AA==AA=="] {
            var deltas = PCMDeltas()
            #expect(throws: OpenAIWireError.badAudio) { _ = try Self.decode(text, &deltas) }
            #expect(try Self.decode("AQA=", &deltas) == [1])
        }
    }

    @Test("a large delta gets its room and gives it back")
    func room() throws {
        var deltas = PCMDeltas()
        let large = Data(repeating: 0x11, count: 900_000).base64EncodedString()
        #expect(try Self.decode(large, &deltas).count == 450_000)
        #expect(deltas.capacity >= 900_000)
        #expect(try Self.decode("AQA=", &deltas) == [1])
        #expect(deltas.capacity <= PCMDeltas.keptBytes)
    }

    private static func decode(_ text: String, _ deltas: inout PCMDeltas) throws -> [Int16] {
        try Array(text.utf8).withUnsafeBytes { Array(try deltas.decode($0)) }
    }
}
