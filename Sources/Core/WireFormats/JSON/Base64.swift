/// Base64 (RFC 4648 section 4) straight between buffers: sound is two thirds of all bytes that pass a provider's socket.
///
/// Encoding takes three bytes a step through a table of 4,096 character pairs; decoding takes four characters through
/// four tables whose entries only need to be joined. Both tables live as long as the process.
package enum Base64 {
    /// Exact length of the text for `count` bytes, padding included.
    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// What decoding `count` characters needs at most.
    package static func decodedCapacity(_ count: Int) -> Int { count / 4 * 3 }

    /// Writes the text of `source` and returns its length; nil when `text` is shorter than `encodedCount`.
    package static func encode(_ source: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) -> Int? {
        let length = encodedCount(source.count)
        guard text.count >= length else { return nil }
        guard let input = source.baseAddress, let output = text.baseAddress else { return 0 }
        let pairs = Tables.shared.pairs
        let whole = source.count / 3
        var read = 0
        var written = 0
        for _ in 0..<whole {
            let high = UInt32(input.load(fromByteOffset: read, as: UInt8.self))
            let middle = UInt32(input.load(fromByteOffset: read + 1, as: UInt8.self))
            let low = UInt32(input.load(fromByteOffset: read + 2, as: UInt8.self))
            let bits = high << 16 | middle << 8 | low
            output.storeBytes(of: pairs[Int(bits >> 12)], toByteOffset: written, as: UInt16.self)
            output.storeBytes(of: pairs[Int(bits & 0xFFF)], toByteOffset: written + 2, as: UInt16.self)
            read += 3
            written += 4
        }
        let rest = source.count - read
        if rest > 0 {
            let high = UInt32(input.load(fromByteOffset: read, as: UInt8.self))
            let middle = rest == 2 ? UInt32(input.load(fromByteOffset: read + 1, as: UInt8.self)) : 0
            let bits = high << 16 | middle << 8
            output.storeBytes(of: pairs[Int(bits >> 12)], toByteOffset: written, as: UInt16.self)
            output.storeBytes(of: pairs[Int(bits & 0xFFF)], toByteOffset: written + 2, as: UInt16.self)
            output.storeBytes(of: padding, toByteOffset: written + 3, as: UInt8.self)
            if rest == 1 { output.storeBytes(of: padding, toByteOffset: written + 2, as: UInt8.self) }
        }
        return length
    }

    /// Writes the bytes of `text` and returns their number. Nil for whatever an encoder would not have written (length,
    /// alphabet, padding, bits that belong to no byte), and when `bytes` is shorter than needed.
    package static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Int? {
        guard text.count.isMultiple(of: 4) else { return nil }
        guard let input = text.baseAddress, text.count > 0 else { return 0 }
        let quads = Tables.shared.quads
        let last = text.count - 4
        let padded =
            input.load(fromByteOffset: last + 3, as: UInt8.self) != padding
            ? 0 : input.load(fromByteOffset: last + 2, as: UInt8.self) != padding ? 1 : 2
        let length = text.count / 4 * 3 - padded
        guard bytes.count >= length, let output = bytes.baseAddress else { return nil }

        var read = 0
        var written = 0
        var seen: UInt32 = 0
        // Four bytes are stored for three, the fourth to be overwritten: all groups but the last have that room.
        while read < last {
            let bits = quad(quads, input, read)
            seen |= bits
            output.storeBytes(of: bits.littleEndian, toByteOffset: written, as: UInt32.self)
            read += 4
            written += 3
        }
        var tail = (input + last).loadUnaligned(as: (UInt8, UInt8, UInt8, UInt8).self)
        if padded >= 1 { tail.3 = UInt8(ascii: "A") }
        if padded == 2 { tail.2 = UInt8(ascii: "A") }
        let bits = quads[Int(tail.0)] | quads[256 + Int(tail.1)] | quads[512 + Int(tail.2)] | quads[768 + Int(tail.3)]
        seen |= bits
        guard seen & invalid == 0 else { return nil }
        let final = [UInt8(bits & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits >> 16 & 0xFF)]
        guard final[(3 - padded)...].allSatisfy({ $0 == 0 }) else { return nil }
        for offset in 0..<(3 - padded) {
            output.storeBytes(of: final[offset], toByteOffset: written + offset, as: UInt8.self)
        }
        return length
    }

    private static func quad(_ quads: UnsafePointer<UInt32>, _ input: UnsafeRawPointer, _ offset: Int) -> UInt32 {
        quads[Int(input.load(fromByteOffset: offset, as: UInt8.self))]
            | quads[256 + Int(input.load(fromByteOffset: offset + 1, as: UInt8.self))]
            | quads[512 + Int(input.load(fromByteOffset: offset + 2, as: UInt8.self))]
            | quads[768 + Int(input.load(fromByteOffset: offset + 3, as: UInt8.self))]
    }

    private static let padding = UInt8(ascii: "=")
    /// Set in the entry of every byte outside the alphabet; no combination of valid entries has it.
    fileprivate static let invalid: UInt32 = 1 << 31

    /// Filled once, never written again, never freed: that is what makes the pointers safe to share.
    private struct Tables: @unchecked Sendable {
        static let shared = Tables()

        /// 12 bits → their two characters, as they lie in memory.
        let pairs: UnsafePointer<UInt16>
        /// Four tables of 256: a character at place 0 to 3 of its group → its 6 bits where they belong when the three
        /// bytes of the group lie in memory in order (least significant byte first), or `invalid`.
        let quads: UnsafePointer<UInt32>

        private init() {
            let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
            let pairs = UnsafeMutablePointer<UInt16>.allocate(capacity: 4_096)
            for bits in 0..<4_096 {
                let pair = UInt16(alphabet[bits >> 6]) | UInt16(alphabet[bits & 63]) << 8
                (pairs + bits).initialize(to: pair.littleEndian)
            }
            let quads = UnsafeMutablePointer<UInt32>.allocate(capacity: 1_024)
            quads.initialize(repeating: Base64.invalid, count: 1_024)
            for (value, character) in alphabet.enumerated() {
                for place in 0..<4 {
                    let bits = UInt32(value) << (18 - 6 * place)
                    quads[place * 256 + Int(character)] = bits >> 16 & 0xFF | bits & 0xFF00 | (bits & 0xFF) << 16
                }
            }
            self.pairs = UnsafePointer(pairs)
            self.quads = UnsafePointer(quads)
        }
    }
}
