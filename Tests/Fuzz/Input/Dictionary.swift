/// What is put into inputs beside chance: values at which programs break.
enum Dictionary {
    /// As text: limits of integers and doubles, what JSON forbids, what readers disagree about.
    static let numbers: [[UInt8]] = [
        "0", "-0", "1", "-1", "00", "01", "0.0", "-0.0", "1e0", "1E+0", "0e", "1.", ".5", "1e", "127", "128", "255",
        "256", "32767", "32768", "65535", "65536", "86399999", "86400000", "86400001", "2147483647", "2147483648",
        "-2147483648", "4294967295", "4294967296", "9007199254740993", "1000000000000", "1000000000001",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
        "18446744073709551615", "18446744073709551616", "1e18", "1e19", "9.3e18", "-9.3e18", "1e308", "1e309", "-1e309",
        "1e400", "1e-400", "5e-324", "0.1", "1e99999999999", "NaN", "Infinity", "-Infinity", "0x10", "1_000", "+1",
        "99999999999999999999999999999999999999999",
    ].map { Array($0.utf8) }

    /// Bytes that are no UTF-8, or UTF-8 that is easily cut or misread.
    static let text: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
        [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        [0xEF, 0xBB, 0xBF], [0xEF, 0xBF, 0xBD], [0xEF, 0xBF, 0xBF], [0xC3], [0xC3, 0xA9], [0xCC, 0x81],
        [0x65, 0xCC, 0x81], [0xE2, 0x80, 0xA8], [0xE2, 0x80], [0xF0, 0x9F, 0x91, 0xA9, 0xE2, 0x80, 0x8D], [0xF0, 0x9F],
        [0xF4, 0x8F, 0xBF, 0xBF], [0x00], [0x1F], [0x7F], [0x0D], [0x0A], [0x0D, 0x0A], [0x09], [0x1B],
    ]

    /// JSON's own words and escapes.
    static let json: [[UInt8]] = [
        "{", "}", "[", "]", "\"", "\\", ":", ",", "null", "true", "false", "{}", "[]", "\"\"", "\\\"", "\\\\", "\\/",
        "\\u0000", "\\u0041", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\u12", "\\x41", "\\b", "\\f",
        "\\u001f", "nul", "tru", "//", "/**/", "'", "\"a\":", ",\"a\":1", ",,", "{\"\":", " ", "\t", "\n",
    ].map { Array($0.utf8) }

    /// Binary numbers for fields of 1, 2, 4 and 8 bytes.
    static let wild: [UInt64] = [
        0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFE,
        0xFFFF_FFFF_FFFF_FFFF,
    ]

    static func words(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}
