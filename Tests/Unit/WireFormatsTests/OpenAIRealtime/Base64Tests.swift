import Foundation
import Testing
import WireFormats

@Suite("Base64")
struct Base64Tests {
    private static func encode(_ bytes: [UInt8], room: Int? = nil) -> [UInt8]? {
        var text = [UInt8](repeating: 0xEE, count: room ?? Base64.encodedCount(bytes.count))
        let used = bytes.withUnsafeBytes { source in text.withUnsafeMutableBytes { Base64.encode(source, into: $0) } }
        return used.map { Array(text.prefix($0)) }
    }

    private static func decode(_ text: [UInt8], room: Int? = nil) -> [UInt8]? {
        // One byte more than promised: it has to stay as it was.
        let promised = room ?? Base64.decodedCapacity(text.count)
        var bytes = [UInt8](repeating: 0xEE, count: promised + 1)
        let used = text.withUnsafeBytes { source in
            bytes.withUnsafeMutableBytes {
                Base64.decode(source, into: UnsafeMutableRawBufferPointer(rebasing: $0.dropLast()))
            }
        }
        #expect(bytes.last == 0xEE)
        return used.map { Array(bytes.prefix($0)) }
    }

    private static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)) }

    @Test(
        "the vectors of RFC 4648 section 10 hold both ways",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(Self.encode(Array(plain.utf8)) == Array(text.utf8))
        #expect(Self.decode(text) == Array(plain.utf8))
    }

    @Test("every length from 0 to 64 agrees with Foundation and comes back", arguments: 0...64)
    func lengths(count: Int) {
        var random = SplitMix(state: UInt64(count))
        for _ in 0..<50 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = Array(Data(bytes).base64EncodedString().utf8)
            #expect(Self.encode(bytes) == text)
            #expect(Self.decode(text) == bytes)
        }
    }

    @Test("all pairs of characters are right")
    func alphabet() {
        var bytes: [UInt8] = []
        for bits in 0..<4_096 {
            // 12 bits, and the same 12 bits again.
            let both = bits << 12 | bits
            bytes += [UInt8(both >> 16), UInt8(both >> 8 & 255), UInt8(both & 255)]
        }
        #expect(Self.encode(bytes) == Array(Data(bytes).base64EncodedString().utf8))
        #expect(Self.decode(Data(bytes).base64EncodedString()) == bytes)
    }

    @Test(
        "what no encoder writes is refused",
        arguments: [
            "A", "AA", "AAA", "A===", "====", "=AAA", "A=AA", "AA=A", "AAAA=", "AA==AAAA", "AA=AAAAA", "AAAA====",
            "AAA*", "*AAA",
            "AAA\n", "AA-_", "AAAAAAA ", "ÄAA", "AB==", "AAB=",
        ])
    func refused(text: String) {
        #expect(Self.decode(text) == nil)
    }

    @Test("each of the 256 bytes at each place is in the alphabet or refused")
    func everyByte() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for place in 0..<8 {
            for byte in UInt8.min...UInt8.max {
                var text = Array("AAAAAAAA".utf8)
                text[place] = byte
                let isPadding = byte == UInt8(ascii: "=") && place == 7
                #expect((Self.decode(text) != nil) == (alphabet.contains(byte) || isPadding))
            }
        }
    }

    @Test("a buffer that is too short is not written past its end")
    func short() {
        #expect(Self.encode([1, 2, 3], room: 3) == nil)
        #expect(Self.decode(Array("AAAA".utf8), room: 2) == nil)
        #expect(Self.decode(Array("AA==".utf8), room: 1) == [0])
    }
}
