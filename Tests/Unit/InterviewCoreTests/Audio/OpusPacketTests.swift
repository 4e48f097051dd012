import InterviewCore
import Testing

@Suite("OpusPacket")
struct OpusPacketTests {
    @Test("each of the 32 configurations has the mode and frame length of RFC 6716, table 2")
    func table() {
        let silk = [480, 960, 1_920, 2_880]
        let celt = [120, 240, 480, 960]
        for configuration in 0..<32 {
            let packet = OpusPacket([UInt8(configuration << 3), 1, 2, 3])
            let expected: (OpusPacket.Mode, Int) =
                configuration < 12
                ? (.silk, silk[configuration % 4])
                : configuration < 16 ? (.hybrid, [480, 960][configuration % 2]) : (.celt, celt[configuration % 4])
            #expect(packet?.mode == expected.0)
            #expect(packet?.units == expected.1)
            #expect(packet?.stereo == false)
            #expect(OpusPacket([UInt8(configuration << 3 | 4)])?.stereo == true)
        }
    }

    /// 20 ms CELT (configuration 31) unless said.
    private static let toc: UInt8 = 31 << 3

    @Test(
        "legal framings have their length",
        arguments: [
            ([toc], 960),  // DTX: the TOC alone
            ([toc, 9, 9], 960),
            ([toc | 1, 9, 9, 9, 9], 1_920),
            ([toc | 1], 1_920),
            ([toc | 2, 1, 9, 9, 9], 1_920),
            ([toc | 2, 0], 1_920),
            ([toc | 3, 3, 9, 9, 9], 2_880),
            ([toc | 3, 6], 5_760),
            ([toc | 3, 0x80 | 2, 1, 9, 9, 9], 1_920),
            ([toc | 3, 0x40 | 1, 2, 9, 0, 0], 960),
            ([toc | 3, 0x40 | 1, 255, 0] + [UInt8](repeating: 0, count: 254), 960),
            ([28 << 3 | 3, 48] + [UInt8](repeating: 0, count: 48), 5_760),
            ([3 << 3 | 1, 1, 1], 5_760),
        ] as [([UInt8], Int)])
    func legal(packet: [UInt8], units: Int) {
        #expect(OpusPacket(packet)?.units == units)
    }

    @Test(
        "illegal framings are refused",
        arguments: [
            [],  // R1
            [toc] + [UInt8](repeating: 0, count: 1_276),  // R2
            [toc | 1, 9],  // R3
            [toc | 2],  // R4
            [toc | 2, 5, 1],
            [toc | 2, 252],
            [toc | 3],
            [toc | 3, 0],  // R5
            [toc | 3, 7],
            [28 << 3 | 3, 49] + [UInt8](repeating: 0, count: 49),
            [toc | 3, 2, 9, 9, 9],  // R6
            [toc | 3, 0x40 | 1, 3, 0, 0],
            [toc | 3, 0x40 | 1],
            [toc | 3, 0x80 | 2, 9, 1],  // R7
            [toc | 3, 0x80 | 3, 1, 9, 1],
        ] as [[UInt8]])
    func illegal(packet: [UInt8]) {
        #expect(OpusPacket(packet) == nil)
    }

    @Test("the silence packets have their length")
    func silence() {
        #expect(OpusPacket(OpusPacket.silence)?.units == 960)
        for (units, packet) in OpusPacket.shorterSilences { #expect(OpusPacket(packet)?.units == units) }
    }
}
