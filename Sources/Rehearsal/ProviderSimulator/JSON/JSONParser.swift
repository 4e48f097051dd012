/// Reads JSON text (RFC 8259) that a peer wrote: whatever the bytes are, the answer is a value or an error.
package struct JSONParser {
    package enum Failure: Error, Equatable, Sendable {
        /// At which byte the text stopped being JSON.
        case malformed(at: Int)
        case tooDeep
    }
    /// The vendor's deepest legal event nests seven levels, tool schemas some more.
    package static let maximumDepth = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    package static func parse(_ bytes: [UInt8]) throws(Failure) -> JSON {
        try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in try parse(buffer) }
    }

    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) -> JSON {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw .malformed(at: parser.index) }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var here: UInt8? { index < bytes.count ? bytes[index] : nil }
    private var broken: Failure { .malformed(at: index) }

    private mutating func skipSpace() {
        while let byte = here, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard here == byte else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSON {
        guard depth < Self.maximumDepth else { throw .tooDeep }
        skipSpace()
        switch here {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(Failure) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[offset]) else { throw broken }
        }
        return value
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONObject {
        var object = JSONObject()
        index += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return object }
        while true {
            skipSpace()
            guard here == UInt8(ascii: "\"") else { throw broken }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw broken }
            object[key] = try value(depth: depth + 1)
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw broken }
            return object
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSON] {
        var values: [JSON] = []
        index += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return values }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw broken }
            return values
        }
    }

    private mutating func number() throws(Failure) -> JSON {
        let start = index
        var whole = true
        _ = take(UInt8(ascii: "-"))
        guard let first = here, (0x30...0x39).contains(first) else { throw broken }
        while let byte = here {
            switch byte {
            case 0x30...0x39: break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
                whole = false
            default: return try number(in: start..<index, whole: whole)
            }
            index += 1
        }
        return try number(in: start..<index, whole: whole)
    }

    private func number(in range: Range<Int>, whole: Bool) throws(Failure) -> JSON {
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        if whole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw .malformed(at: range.lowerBound) }
        return .number(value)
    }

    private mutating func string() throws(Failure) -> String {
        index += 1
        let start = index
        while let byte = here, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        let plain = UnsafeBufferPointer(rebasing: bytes[start..<index])
        if take(UInt8(ascii: "\"")) {
            guard let text = String(validating: plain, as: UTF8.self) else { throw .malformed(at: start) }
            return text
        }
        var decoded = Array(plain)
        while let byte = here {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: decoded, as: UTF8.self) else { throw .malformed(at: start) }
                return text
            case UInt8(ascii: "\\"): try escape(into: &decoded)
            case 0..<0x20: throw broken
            default: decoded.append(byte)
            }
        }
        throw broken
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(Failure) {
        guard let byte = here else { throw broken }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            var unit = UInt32(try hexUnit())
            // A pair of surrogates is one character (RFC 8259, section 7); a lonely one is replaced.
            if (0xD800..<0xDC00).contains(unit), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
                bytes[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                let low = UInt32(try hexUnit())
                unit = (0xDC00..<0xE000).contains(low) ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD
            }
            decoded += Array(String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        default: throw broken
        }
    }

    private mutating func hexUnit() throws(Failure) -> UInt16 {
        guard index + 4 <= bytes.count else { throw broken }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            switch bytes[index] {
            case let byte where (0x30...0x39).contains(byte): unit = unit << 4 | UInt16(byte - 0x30)
            case let byte where (0x41...0x46).contains(byte): unit = unit << 4 | UInt16(byte - 0x37)
            case let byte where (0x61...0x66).contains(byte): unit = unit << 4 | UInt16(byte - 0x57)
            default: throw broken
            }
            index += 1
        }
        return unit
    }
}
