import InterviewCore

/// The fields of one message as their types: absent is nil (or a fault where the field is required), of the wrong type
/// or out of range is a `badMessage`. `null` counts as absent.
struct ParticipantFields {
    private let members: [String: ParticipantJSON]

    init(_ members: [String: ParticipantJSON]) { self.members = members }

    private func present(_ name: String) -> ParticipantJSON? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    private func required<Value>(_ value: Value?) throws(ProtocolViolation) -> Value {
        guard let value else { throw .badMessage }
        return value
    }

    // MARK: Text

    /// `limit` in bytes of UTF-8.
    func optionalString(_ name: String, upTo limit: Int) throws(ProtocolViolation) -> String? {
        guard let value = present(name) else { return nil }
        guard case .string(let text) = value, text.utf8.count <= limit else { throw .badMessage }
        return text
    }

    func string(_ name: String, upTo limit: Int) throws(ProtocolViolation) -> String {
        try required(try optionalString(name, upTo: limit))
    }

    /// An id: not empty, no control characters.
    func identifier(_ name: String, upTo limit: Int = 128) throws(ProtocolViolation) -> String {
        let text = try string(name, upTo: limit)
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw .badMessage }
        return text
    }

    func word<Word: RawRepresentable>(
        _ name: String, _ type: Word.Type
    ) throws(ProtocolViolation) -> Word where Word.RawValue == String {
        try required(Word(rawValue: try string(name, upTo: 64)))
    }

    // MARK: Numbers and truth

    /// A whole number; fractions of it (a browser's clock has them) are dropped.
    func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(ProtocolViolation) -> Int64? {
        switch present(name) {
        case nil: return nil
        case .integer(let number)?:
            guard range.contains(number) else { throw .badMessage }
            return number
        case .double(let number)?:
            // Compared as Double first: the conversion would trap on what does not fit.
            guard number >= Double(range.lowerBound), number <= Double(range.upperBound),
                let whole = Int64(exactly: number.rounded(.down)), range.contains(whole)
            else { throw .badMessage }
            return whole
        default: throw .badMessage
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(ProtocolViolation) -> Int64 {
        try required(try optionalInteger(name, in: range))
    }

    /// 0 to a day.
    func milliseconds(_ name: String) throws(ProtocolViolation) -> Int {
        Int(try integer(name, in: 0...86_400_000))
    }

    func optionalMilliseconds(_ name: String) throws(ProtocolViolation) -> Int? {
        try optionalInteger(name, in: 0...86_400_000).map { Int($0) }
    }

    func timestamp(_ name: String) throws(ProtocolViolation) -> UInt32 {
        UInt32(truncatingIfNeeded: try integer(name, in: 0...Int64(UInt32.max)))
    }

    func optionalTimestamp(_ name: String) throws(ProtocolViolation) -> UInt32? {
        try optionalInteger(name, in: 0...Int64(UInt32.max)).map { UInt32(truncatingIfNeeded: $0) }
    }

    func optionalDouble(_ name: String, in range: ClosedRange<Double>) throws(ProtocolViolation) -> Double? {
        let number: Double
        switch present(name) {
        case nil: return nil
        case .integer(let whole)?: number = Double(whole)
        case .double(let value)?: number = value
        default: throw .badMessage
        }
        guard range.contains(number) else { throw .badMessage }
        return number
    }

    func bool(_ name: String) throws(ProtocolViolation) -> Bool {
        guard case .bool(let value)? = present(name) else { throw .badMessage }
        return value
    }

    // MARK: Objects

    func optionalObject(_ name: String) throws(ProtocolViolation) -> ParticipantFields? {
        guard let value = present(name) else { return nil }
        guard case .object(let members) = value else { throw .badMessage }
        return ParticipantFields(members)
    }

    func object(_ name: String) throws(ProtocolViolation) -> ParticipantFields {
        try required(try optionalObject(name))
    }
}
