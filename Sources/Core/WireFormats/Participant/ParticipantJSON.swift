import InterviewCore

/// JSON of `voiced.v1` (RFC 8259) as a value. Small messages only: at most `maxBytes` of text, nested `maxDepth` deep,
/// both checked before anything is built from them.
indirect enum ParticipantJSON: Equatable {
    case null
    case bool(Bool)
    /// Whole and within 64 bits.
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([ParticipantJSON])
    case object([String: ParticipantJSON])

    static let maxBytes = 16_384
    static let maxDepth = 16

    /// One object; anything else is a `badMessage`.
    static func object(_ bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> [String: ParticipantJSON] {
        guard bytes.count <= maxBytes else { throw .tooBig }
        guard depthIsTolerable(bytes) else { throw .badMessage }
        var reader = ParticipantJSONReader(bytes)
        guard case .object(let members) = try reader.document() else { throw .badMessage }
        return members
    }

    /// Counts brackets outside of strings, so that no nesting reaches the recursive reader.
    private static func depthIsTolerable(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth > maxDepth { return false }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return true
    }
}
