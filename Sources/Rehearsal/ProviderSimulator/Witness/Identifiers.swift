/// Ids that look like the vendor's and are the same in every run with the same seed.
struct Identifiers {
    private static let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private var state: UInt64

    init(seed: UInt64, connection: Int) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: connection) &* 0xD1B5_4A32_D192_ED03
    }

    /// SplitMix64.
    private mutating func draw() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `prefix` and 20 letters and digits.
    mutating func next(_ prefix: String) -> String {
        var bytes = Array(prefix.utf8)
        for _ in 0..<2 {
            var bits = draw()
            for _ in 0..<10 {
                bytes.append(Self.letters[Int(bits % 62)])
                bits /= 62
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
