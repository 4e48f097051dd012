import Foundation
import Testing
import WireFormats

@Suite("JSONText")
struct JSONTextTests {
    @Test(
        "escaped text comes back through Foundation and through ourselves",
        arguments: [
            "", "plain", "a\"b\\c/d", "line\nfeed\r\ttab", "\u{0}\u{1}\u{1F}\u{7F}", "ä€🙂\u{2028}", "\\u0041",
        ])
    func roundTrip(text: String) throws {
        var bytes: [UInt8] = []
        JSONText.escape(text, to: &bytes)
        #expect(bytes.withUnsafeBytes { JSONText.string($0) } == text)
        let json = Data([0x22] + bytes + [0x22])
        #expect(try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed) as? String == text)
    }

    @Test(
        "escapes of others are resolved",
        arguments: [
            (#"\/\b\f\n\r\t"#, "/\u{8}\u{C}\n\r\t"), (#"\u0041\u00e4\u20AC"#, "Aä€"), (#"\uD83D\uDE42"#, "🙂"),
        ])
    func foreign(content: String, text: String) {
        #expect(Array(content.utf8).withUnsafeBytes { JSONText.string($0) } == text)
    }

    @Test(
        "bad escapes and bytes that are no text are nil",
        arguments: [
            Array(#"\"#.utf8), Array(#"\x"#.utf8), Array(#"\u12"#.utf8), Array(#"\u12G4"#.utf8), Array(#"\uD83D"#.utf8),
            Array(#"\uD83Dx"#.utf8), Array(#"\uD83D\u0041"#.utf8), Array(#"\uDE42"#.utf8), [0xFF], [0xC3],
            [0x5C, 0x6E, 0xFF],
        ])
    func refused(bytes: [UInt8]) {
        #expect(bytes.withUnsafeBytes { JSONText.string($0) } == nil)
    }
}
