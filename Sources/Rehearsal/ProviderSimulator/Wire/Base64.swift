/// Base64 with the standard alphabet and padding (RFC 4648, section 4): every frame of sound passes through it twice.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    /// 64 marks a byte outside the alphabet.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 64, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    package static func encode(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out, count in
            alphabet.withUnsafeBufferPointer { alphabet in
                var read = 0
                while read < bytes.count {
                    let left = bytes.count - read
                    let second: UInt32 = left > 1 ? UInt32(bytes[read + 1]) : 0
                    let third: UInt32 = left > 2 ? UInt32(bytes[read + 2]) : 0
                    let group = UInt32(bytes[read]) << 16 | second << 8 | third
                    out[count] = alphabet[Int(group >> 18)]
                    out[count + 1] = alphabet[Int(group >> 12 & 63)]
                    out[count + 2] = left > 1 ? alphabet[Int(group >> 6 & 63)] : padding
                    out[count + 3] = left > 2 ? alphabet[Int(group & 63)] : padding
                    count += 4
                    read += 3
                }
            }
        }
    }

    /// Nil for anything that is not base64.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        let padded = text[text.count - 1] == padding ? (text[text.count - 2] == padding ? 2 : 1) : 0
        var valid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { out, count in
            valid = values.withUnsafeBufferPointer { decode(text, padded: padded, values: $0, into: out, &count) }
            count -= valid ? padded : 0
        }
        return valid ? bytes : nil
    }

    private static func decode(
        _ text: UnsafeRawBufferPointer, padded: Int, values: UnsafeBufferPointer<UInt8>,
        into out: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
    ) -> Bool {
        var seen: UInt8 = 0
        var read = 0
        let whole = text.count - (padded > 0 ? 4 : 0)
        while read < whole {
            let a = values[Int(text[read])]
            let b = values[Int(text[read + 1])]
            let c = values[Int(text[read + 2])]
            let d = values[Int(text[read + 3])]
            seen |= a | b | c | d
            let group = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
            out[count] = UInt8(truncatingIfNeeded: group >> 16)
            out[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
            out[count + 2] = UInt8(truncatingIfNeeded: group)
            count += 3
            read += 4
        }
        guard padded > 0 else { return seen < 64 }
        let a = values[Int(text[read])]
        let b = values[Int(text[read + 1])]
        let c = padded == 1 ? values[Int(text[read + 2])] : 0
        let group = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6
        out[count] = UInt8(truncatingIfNeeded: group >> 16)
        out[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
        out[count + 2] = 0
        count += 3
        return (seen | a | b | c) < 64
    }
}
