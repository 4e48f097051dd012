import Foundation
import WireFormats

/// The scanner of the provider's hot path, and the writer.
///
/// Invariants:
/// - every range lies within the text, behind the one before, and never splits what it should not;
/// - what Foundation accepts as an object of at most 64 levels, the scanner accepts, with the same members and texts;
/// - a text escaped and read again is the same; what the writer writes Foundation reads.
final class JSONTarget: FuzzTarget {
    let name = "json"
    let share = 900
    let longestInput = 24_000
    let seeds: [[UInt8]]
    let words = Dictionary.json

    init(root: String) {
        seeds =
            Corpus.files(in: "\(root)/Tests/Golden/OpenAIRealtime") + Corpus.files(in: "\(root)/Tests/Golden/Journal")
            + ParticipantShapes.examples(ParticipantShapes.agent)
    }

    func generate(_ random: inout Random) -> [UInt8] {
        let fields = (0..<random.below(6)).map {
            Shape.Field(
                name: random.pick(["type", "delta", "é", "", "a\\b", "n\($0)"], or: ""), shape: .anything,
                isOptional: false)
        }
        return JSONGrammar.text(of: .object(fields), &random)
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let members = try walk(input)
        if ForeignJSON.isAsked(about: input), Self.isPlainStart(input), let foreign = ForeignJSON.object(input) {
            if let members {
                try compare(members, input, foreign)
            } else if !Self.hasIdleComma(input) {
                try expect(Self.depth(of: input) > JSONMembers.maxDepth, "what Foundation accepts is accepted")
            }
        }
        try checkText(input)
        return members == nil ? .refused : .accepted
    }

    /// Nil: refused.
    private func walk(_ input: UnsafeRawBufferPointer) throws(Broken) -> [JSONMembers.Member]? {
        var found: [JSONMembers.Member] = []
        do throws(JSONError) {
            var members = try JSONMembers(input)
            while let member = try members.next() { found.append(member) }
        } catch { return nil }
        var end = 0
        for member in found {
            let ranges = [member.key, member.value.range]
            for range in ranges {
                try expect(
                    range.lowerBound >= end && range.upperBound <= input.count, "ranges are in order, within the text")
                end = range.upperBound
            }
            try expect(
                input[member.key.lowerBound - 1] == 0x22 && input[member.key.upperBound] == 0x22, "keys are quoted")
            let first = input[member.value.range.lowerBound - (member.value.kind == .string ? 1 : 0)]
            switch member.value.kind {
            case .string: try expect(first == 0x22 && input[member.value.range.upperBound] == 0x22, "texts are quoted")
            case .object:
                try expect(first == 0x7B && input[member.value.range.upperBound - 1] == 0x7D, "objects are closed")
            case .array:
                try expect(first == 0x5B && input[member.value.range.upperBound - 1] == 0x5D, "lists are closed")
            case .number, .literal: try expect(!member.value.range.isEmpty, "a scalar is not empty")
            }
        }
        return found
    }

    private func compare(
        _ members: [JSONMembers.Member], _ input: UnsafeRawBufferPointer, _ foreign: [String: Any]
    ) throws(Broken) {
        try expect(members.count >= foreign.count, "no member is missed")
        // Which of two members with one name counts is not agreed between readers.
        guard members.count == foreign.count else { return }
        for member in members {
            guard let key = JSONText.string(UnsafeRawBufferPointer(rebasing: input[member.key])) else { continue }
            if Self.hasMark(key) { continue }
            guard let value = foreign[key] else { throw Broken("does not hold: both find the same names") }
            guard member.value.kind == .string else { continue }
            let ours = JSONText.string(UnsafeRawBufferPointer(rebasing: input[member.value.range]))
            if Self.hasMark(ours ?? "") { continue }
            try expect(ours == value as? String, "both read the same text")
        }
    }

    private func checkText(_ input: UnsafeRawBufferPointer) throws(Broken) {
        let text = String(decoding: input, as: UTF8.self)
        var escaped: [UInt8] = []
        JSONText.escape(text, to: &escaped)
        let back = escaped.withUnsafeBytes { JSONText.string($0) }
        try expect(back.map { $0.utf8.elementsEqual(text.utf8) } ?? false, "a text escaped and read again is the same")
        _ = JSONText.string(input)
        guard ForeignJSON.isAsked(about: input), !Self.hasMark(text) else { return }
        var writer = JSONWriter()
        writer.object { object in
            object.member("text", text)
            object.member("list", strings: [text, ""])
            object.member("level", Double(input.count) / 0)
        }
        let written = writer.bytes.withUnsafeBytes { ForeignJSON.object($0) }
        try expect(written?["text"] as? String == text, "what the writer writes Foundation reads")
    }

    /// Foundation loses a byte order mark at the beginning of a text, or behind an escape.
    private static func hasMark(_ text: String) -> Bool { text.unicodeScalars.contains("\u{FEFF}") }

    /// Foundation guesses other encodings by their first bytes, and skips a mark; the scanner knows UTF-8 only.
    private static func isPlainStart(_ input: UnsafeRawBufferPointer) -> Bool {
        !input.prefix(4).contains(0) && !input.starts(with: [0xEF, 0xBB, 0xBF])
    }

    /// Foundation accepts `{"a":1,}`.
    private static func hasIdleComma(_ input: UnsafeRawBufferPointer) -> Bool {
        var isBehindComma = false
        for byte in input where !(byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09) {
            if isBehindComma, byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { return true }
            isBehindComma = byte == UInt8(ascii: ",")
        }
        return false
    }

    /// Levels of brackets outside of texts, the outermost object included. Foundation's tree does not know: of two
    /// members with one name it keeps one.
    private static func depth(of input: UnsafeRawBufferPointer) -> Int {
        var depth = 0
        var deepest = 0
        var isText = false
        var isEscaped = false
        for byte in input {
            if isText {
                isText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            deepest = max(deepest, depth)
        }
        return deepest
    }
}
