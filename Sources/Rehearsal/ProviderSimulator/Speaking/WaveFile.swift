/// The sound of a RIFF WAVE file with 16-bit mono PCM, the only kind that espeak-ng writes.
package struct WaveFile: Equatable, Sendable {
    package var rate: Int
    package var samples: [Int16]

    /// Nil for anything else. A writer to a pipe does not know the length when it writes the header, so sizes beyond
    /// the end of the bytes mean "up to the end".
    package init?(_ bytes: [UInt8]) {
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        guard bytes.count >= 12, bytes[0..<4].elementsEqual("RIFF".utf8), bytes[8..<12].elementsEqual("WAVE".utf8)
        else { return nil }
        var offset = 12
        var rate: Int?
        while offset + 8 <= bytes.count {
            let name = bytes[offset..<(offset + 4)]
            let end = min(offset + 8 + number(offset + 4, 4), bytes.count)
            if name.elementsEqual("fmt ".utf8), end - offset >= 24 {
                guard number(offset + 8, 2) == 1, number(offset + 10, 2) == 1, number(offset + 22, 2) == 16
                else { return nil }
                rate = number(offset + 12, 4)
            } else if name.elementsEqual("data".utf8) {
                guard let rate, rate > 0 else { return nil }
                self.rate = rate
                samples = bytes[(offset + 8)..<end].withUnsafeBytes { AudioFormat.pcm.samples(of: $0) }
                return
            }
            offset = end + end % 2
        }
        return nil
    }
}
