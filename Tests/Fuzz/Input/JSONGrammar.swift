/// What a value usually looks like where a reader expects it.
indirect enum Shape: Sendable {
    case text
    case identifier
    case oneOf([String])
    case integer(ClosedRange<Int>)
    case number
    case flag
    case object([Field])
    case list(Shape, upTo: Int)
    /// Base64 of some sound.
    case sound
    case anything

    struct Field: Sendable {
        var name: String
        var shape: Shape
        /// Left out one time in four.
        var isOptional: Bool
    }

    static func fields(_ required: KeyValuePairs<String, Shape>, optional: KeyValuePairs<String, Shape> = [:]) -> Shape
    {
        .object(
            required.map { Field(name: $0.key, shape: $0.value, isOptional: false) }
                + optional.map { Field(name: $0.key, shape: $0.value, isOptional: true) })
    }

    /// A message: its `type` and its fields.
    static func message(
        _ type: String, _ required: KeyValuePairs<String, Shape> = [:], optional: KeyValuePairs<String, Shape> = [:]
    ) -> Shape {
        guard case .object(let fields) = fields(required, optional: optional) else { return .anything }
        return .object([Field(name: "type", shape: .oneOf([type]), isOptional: false)] + fields)
    }
}

/// Writes JSON of a shape, and now and then something else: a field left out, twice, of another kind, out of range;
/// unknown fields; odd white space and escapes; bytes that JSON forbids.
struct JSONGrammar {
    private(set) var bytes: [UInt8] = []
    /// One in so many values is not what is expected there; 0: all are.
    let oddity: Int
    private var depth = 0

    init(oddity: Int) { self.oddity = oddity }

    /// Half of all texts have nothing odd in them, so that the code behind the door is reached.
    static func text(of shape: Shape, _ random: inout Random) -> [UInt8] {
        var grammar = JSONGrammar(oddity: random.pick([0, 0, 8, 24], or: 0))
        grammar.write(shape, &random)
        return grammar.bytes
    }

    private func isOdd(_ random: inout Random) -> Bool { oddity > 0 && random.chance(oneIn: oddity) }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func space(_ random: inout Random) {
        if oddity > 0, random.chance(oneIn: 6) {
            bytes.append(random.pick([0x20, 0x0A, 0x0D, 0x09, 0x0C, 0x00], or: 0x20))
        }
    }

    mutating func write(_ shape: Shape, _ random: inout Random) {
        depth += 1
        defer { depth -= 1 }
        space(&random)
        defer { space(&random) }
        if isOdd(&random) { return anything(&random) }
        switch shape {
        case .text: string(text(&random), &random)
        case .identifier: string(identifier(&random), &random)
        case .oneOf(let words): string(Array(random.pick(words, or: "").utf8), &random)
        case .integer(let range): integer(range, &random)
        case .number: number(&random)
        case .flag: put(random.chance(oneIn: 2) ? "true" : "false")
        case .object(let fields): object(fields, &random)
        case .list(let element, let most):
            put("[")
            for index in 0..<random.below(most + 1) {
                if index > 0 { put(",") }
                write(element, &random)
            }
            put("]")
        case .sound: string(sound(&random), &random)
        case .anything: anything(&random)
        }
    }

    private mutating func object(_ fields: [Shape.Field], _ random: inout Random) {
        var chosen = fields.filter { !$0.isOptional || !random.chance(oneIn: 4) }
        if oddity > 0 {
            if random.chance(oneIn: 12), !chosen.isEmpty { chosen.remove(at: random.below(chosen.count)) }
            if random.chance(oneIn: 12), let again = random.pick(chosen) { chosen.append(again) }
            if random.chance(oneIn: 4), chosen.count > 1 { chosen.swapAt(0, random.below(chosen.count)) }
        }
        if random.chance(oneIn: 6) {
            chosen.append(Shape.Field(name: "new_\(random.below(9))", shape: .anything, isOptional: true))
        }
        put("{")
        for (index, field) in chosen.enumerated() {
            if index > 0 { put(",") }
            space(&random)
            string(Array(field.name.utf8), &random)
            space(&random)
            put(":")
            write(field.shape, &random)
        }
        put("}")
    }

    private mutating func anything(_ random: inout Random) {
        switch random.below(depth > 24 ? 6 : 9) {
        case 0: put("null")
        case 1: put("true")
        case 2: bytes.append(contentsOf: random.pick(Dictionary.numbers, or: []))
        case 3: string(text(&random), &random)
        case 4: number(&random)
        case 5: integer(-10...100, &random)
        case 6: write(.list(.anything, upTo: 3), &random)
        case 7: object([Shape.Field(name: "a", shape: .anything, isOptional: true)], &random)
        default: nest(1 + random.length(upTo: 80), &random)
        }
    }

    /// Deep, and closed.
    private mutating func nest(_ levels: Int, _ random: inout Random) {
        let isList = random.chance(oneIn: 2)
        for _ in 0..<levels { put(isList ? "[" : #"{"a":"#) }
        put("1")
        for _ in 0..<levels { put(isList ? "]" : "}") }
    }

    // MARK: Scalars

    private mutating func integer(_ range: ClosedRange<Int>, _ random: inout Random) {
        switch random.below(8) {
        case 0: put(String(range.lowerBound))
        case 1: put(String(range.upperBound))
        case 2: put(String(random.within(range)) + ".5")
        case 3 where oddity > 0: bytes.append(contentsOf: random.pick(Dictionary.numbers, or: []))
        case 4: put(String(range.lowerBound + random.below(min(range.count, 1_000))))
        default: put(String(random.within(range)))
        }
    }

    private mutating func number(_ random: inout Random) {
        put(String(Double(random.within(-100_000...100_000)) / Double(1 + random.below(1_000))))
    }

    private mutating func string(_ content: [UInt8], _ random: inout Random) {
        put("\"")
        let escapes = random.chance(oneIn: 10)
        for byte in content {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0..<0x20 where oddity == 0 || !random.chance(oneIn: 8): put(Self.escaped(byte))
            case 0x20..<0x7F where escapes && random.chance(oneIn: 3): put(Self.escaped(byte))
            default: bytes.append(byte)
            }
        }
        if oddity > 0, random.chance(oneIn: 16) {
            bytes.append(contentsOf: random.pick(random.pick([Dictionary.json, Dictionary.text], or: []), or: []))
        }
        put("\"")
    }

    private static func escaped(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "\\u00" + (digits.count == 1 ? "0" : "") + digits
    }

    private func identifier(_ random: inout Random) -> [UInt8] {
        let known = ["item_1", "item_2", "item_3", "resp_1", "resp_2", "a", "k7-Zq_0", "call_1"]
        guard random.chance(oneIn: 4) else { return Array(random.pick(known, or: "a").utf8) }
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-".utf8)
        return (0..<random.pick([1, 8, 64, 65, 128, 129], or: 1)).map { _ in random.pick(alphabet, or: 0x61) }
    }

    private func text(_ random: inout Random) -> [UInt8] {
        let samples = [
            "", "Hello.", "Guten Tag, wie geht es Ihnen heute?", "¿Qué tal?", "日本語のテキスト", "👩‍👩‍👧 family", "a\u{301}",
            "quote \" and \\ back", "tab\tline\nend", "{\"type\":\"beat\"}", "\u{0}", "\u{FEFF}",
            "https://a.example/?b=c&d",
        ]
        var text = Array(random.pick(samples, or: "").utf8)
        if random.chance(oneIn: 40) {
            let again = text.isEmpty ? [0x78] : text
            for _ in 0..<random.length(upTo: 2_000) { text += again }
        }
        return text
    }

    private func sound(_ random: inout Random) -> [UInt8] {
        Base64Text.of(random.bytes(random.pick([0, 1, 2, 3, 4, 5, 480, 960, 961, 4_800], or: 0)))
    }
}

/// Base64 that is not the one under test.
enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func of(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count / 3 * 4 + 4)
        var index = 0
        while index < bytes.count {
            let group = bytes[index..<min(index + 3, bytes.count)]
            var bits = 0
            for offset in 0..<3 { bits = bits << 8 | (offset < group.count ? Int(group[index + offset]) : 0) }
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
            index += 3
        }
        return text
    }
}
