import InterviewCore

/// Strict: no comments, no trailing commas, no repeated names (readers disagree about which one counts), no lone
/// surrogates. Every fault is a `badMessage`; which one is of no use to anybody who sends such things.
struct ParticipantJSONReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(ProtocolViolation) -> ParticipantJSON {
        let value = try self.value()
        skipSpace()
        guard index == bytes.count else { throw .badMessage }
        return value
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { index += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws(ProtocolViolation) {
        guard current == byte else { throw .badMessage }
        index += 1
    }

    /// The current byte, if it is this one, is consumed.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        index += 1
        return true
    }

    private mutating func value() throws(ProtocolViolation) -> ParticipantJSON {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func literal(
        _ word: StaticString, _ value: ParticipantJSON
    ) throws(ProtocolViolation) -> ParticipantJSON {
        for offset in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[offset]) }
        return value
    }

    private mutating func object() throws(ProtocolViolation) -> ParticipantJSON {
        try expect(UInt8(ascii: "{"))
        var members: [String: ParticipantJSON] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            let name = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            guard members.updateValue(try value(), forKey: name) == nil else { throw .badMessage }
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func array() throws(ProtocolViolation) -> ParticipantJSON {
        try expect(UInt8(ascii: "["))
        var elements: [ParticipantJSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            try expect(UInt8(ascii: ","))
        }
    }

    // MARK: Numbers

    private mutating func number() throws(ProtocolViolation) -> ParticipantJSON {
        let start = index
        _ = take(UInt8(ascii: "-"))
        // No leading zeros (RFC 8259, 6).
        if !take(UInt8(ascii: "0")) { try digits() }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw .badMessage }
        return .double(double)
    }

    private mutating func digits() throws(ProtocolViolation) {
        let start = index
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        guard index > start else { throw .badMessage }
    }

    // MARK: Strings

    private mutating func string() throws(ProtocolViolation) -> String {
        try expect(UInt8(ascii: "\""))
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                // The transport has checked its text frames already; a file has not been.
                guard let string = String(validating: text, as: UTF8.self) else { throw .badMessage }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw .badMessage
            default: text.append(byte)
            }
        }
        throw .badMessage
    }

    private mutating func escape(into text: inout [UInt8]) throws(ProtocolViolation) {
        guard let byte = current else { throw .badMessage }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try scalar())).utf8)
        default: throw .badMessage
        }
    }

    /// After `\u`: one code unit, or a surrogate pair with its second `\u`.
    private mutating func scalar() throws(ProtocolViolation) -> Unicode.Scalar {
        let first = try hexadecimal()
        guard (0xd800..<0xe000).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw .badMessage }
            return scalar
        }
        guard first < 0xdc00 else { throw .badMessage }
        try expect(UInt8(ascii: "\\"))
        try expect(UInt8(ascii: "u"))
        let second = try hexadecimal()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        else { throw .badMessage }
        return scalar
    }

    private mutating func hexadecimal() throws(ProtocolViolation) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw .badMessage
            }
            index += 1
            value = (value << 4) | UInt32(digit)
        }
        return value
    }
}
