import WebSockets

/// The check that every text message passes before anything reads it.
///
/// Invariant: it says what the standard library says.
final class UTF8Target: FuzzTarget {
    let name = "utf8"
    let share = 1_000
    let longestInput = 2_048
    let seeds: [[UInt8]] = [
        Array("plain text of more than eight bytes".utf8), Array("Grüße, 日本語, 👩‍👩‍👧".utf8), [0xED, 0x9F, 0xBF],
        [0xEE, 0x80, 0x80],
    ]
    let words = Dictionary.text

    func generate(_ random: inout Random) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<random.below(40) {
            switch random.below(12) {
            case 0: bytes += random.pick(Dictionary.text, or: [])
            case 1: bytes += random.bytes(1)
            case 2...4: bytes += Array(String(Character(scalar(&random))).utf8)
            default: bytes += Array("eight by".utf8.prefix(random.below(9)))
            }
        }
        return bytes
    }

    private func scalar(_ random: inout Random) -> Unicode.Scalar {
        Unicode.Scalar(UInt32(random.length(upTo: 0x10FFFF))) ?? "x"
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let isValid = UTF8Check.isValid(input)
        try expect(
            isValid == (String(validating: input, as: UTF8.self) != nil), "it says what the standard library says")
        return isValid ? .accepted : .refused
    }
}
