import Foundation
import Testing
import WireFormats

@Suite("JSONMembers")
struct JSONMembersTests {
    private static func members(_ bytes: [UInt8]) throws -> [(String, JSONSpan.Kind, String)] {
        try bytes.withUnsafeBytes { raw in
            var walk = try JSONMembers(raw)
            var found: [(String, JSONSpan.Kind, String)] = []
            while let member = try walk.next() {
                try #require(member.key.upperBound <= raw.count && member.value.range.upperBound <= raw.count)
                found.append(
                    (
                        String(decoding: raw[member.key], as: UTF8.self), member.value.kind,
                        String(decoding: raw[member.value.range], as: UTF8.self)
                    ))
            }
            return found
        }
    }

    private static func members(_ text: String) throws -> [(String, JSONSpan.Kind, String)] {
        try members(Array(text.utf8))
    }

    @Test("the members of an object are found with kind and place")
    func walk() throws {
        let found = try Self.members(
            " { \"a\" : \"x\\\"y\" ,\n\"b\":-1.5e3,\"c\":true,\"d\":null,\"e\":[1,{\"f\":\"]\"}],\"g\":{\"h\":\"}\\\\\"} } "
        )
        #expect(found.map(\.0) == ["a", "b", "c", "d", "e", "g"])
        #expect(found.map(\.1) == [.string, .number, .literal, .literal, .array, .object])
        #expect(found.map(\.2) == ["x\\\"y", "-1.5e3", "true", "null", "[1,{\"f\":\"]\"}]", "{\"h\":\"}\\\\\"}"])
    }

    @Test("an empty object has no members")
    func empty() throws {
        #expect(try Self.members("{}").isEmpty)
        #expect(try Self.members(" {\n} ").isEmpty)
    }

    @Test("a quote ends a string after an even number of backslashes only", arguments: 0..<8)
    func backslashes(count: Int) throws {
        let run = String(repeating: "\\", count: count)
        if count.isMultiple(of: 2) {
            #expect(try Self.members("{\"a\":\"\(run)\"}").map(\.2) == [run])
        } else {
            #expect(throws: JSONError.truncated) { try Self.members("{\"a\":\"\(run)\"}") }
            #expect(try Self.members("{\"a\":\"\(run)\"\"}").map(\.2) == [run + "\""])
        }
    }

    @Test("64 levels below the object are read, 65 refused")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: levels) + String(repeating: "]", count: levels) + "}"
        }
        #expect(try Self.members(nested(64)).count == 1)
        #expect(throws: JSONError.tooDeep) { try Self.members(nested(65)) }
        #expect(throws: JSONError.tooDeep) { try Self.members(nested(100_000)) }
    }

    @Test(
        "what is no object is refused",
        arguments: [
            "", " ", "1", "\"a\"", "[]", "{a:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}",
            "{\"a\":tru}",
            "{\"a\":[}]}", "{\"a\":{]}", "{\"a\":1}}", "{\"a\":1", "{\"a\":\"", "{\"a", "{\"a\":1]", "{} x",
            "{\"a\":undefined}",
        ])
    func refused(text: String) {
        #expect(throws: JSONError.self) { try Self.members(text) }
    }

    /// Against Foundation: what it reads as an object, the walk reads with the same names; what the walk refuses, it
    /// refuses too, but for a comma after the last member, which Foundation lets pass.
    @Test("mutated and random texts never lead the walk out of the text or away from Foundation's reading")
    func fuzz() throws {
        var random = SplitMix(state: 42)
        let seeds = try FileManager.default.contentsOfDirectory(at: GoldenFile.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }.map { Array(try Data(contentsOf: $0)) }
        try #require(seeds.count > 40)
        for round in 0..<60_000 {
            var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
            if round.isMultiple(of: 4) { bytes = (0..<Int(random.next() % 64)).map { _ in random.byte() } }
            for _ in 0..<(random.next() % 6) where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = random.byte()
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(random.byte(), at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            let event = try? bytes.withUnsafeBytes { try OpenAIServerEvent.decode($0) }
            guard let found = try? Self.members(bytes) else {
                #expect(event == nil)
                let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(object == nil || text.contains(/,\s*}/), "refused, but an object: \(text)")
                continue
            }
            if let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
                !bytes.contains(0x5C)
            {
                #expect(Set(found.map(\.0)) == Set(object.keys))
            }
        }
    }
}

/// SplitMix64: the same sequence at every run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Half of the time one that means something in JSON.
    mutating func byte() -> UInt8 {
        let telling = Array("{}[]\",:\\/0123456789eE+-.tfnu \n".utf8)
        let bits = next()
        return bits & 1 == 0 ? telling[Int((bits >> 8) % UInt64(telling.count))] : UInt8(truncatingIfNeeded: bits >> 8)
    }
}
