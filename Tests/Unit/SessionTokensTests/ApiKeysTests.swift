import SessionTokens
import Testing

@Suite("ApiKeys")
struct ApiKeysTests {
    /// `printf %s key-one | sha256sum`
    private static let one = "9b346041bc9a49574eb2665b2ad2a0a3f9f9cce4e42f5d1f26deb8a256b5966a"
    private static let two = "c8df51469c308a59bfbd48a3e0bdd228ca922d6032035f5ef6e4ad45f473a9f3"

    @Test("a key is known by its hash, with its name and its scopes")
    func grants() throws {
        let keys = try ApiKeys(list: "survey:\(Self.one):sessions:create+sessions:read")
        let grant = try #require(keys.grant(for: "key-one"))
        #expect(grant.name == "survey")
        #expect(grant.scopes == [.createSessions, .readSessions])
        #expect(keys.scopes(for: "key-one") == ["sessions:create", "sessions:read"])
    }

    @Test("a key without scopes may do everything, one with one scope that alone")
    func scopes() throws {
        #expect(try ApiKeys(list: "a:\(Self.one)").grant(for: "key-one")?.scopes == Set(ApiScope.allCases))
        #expect(
            try ApiKeys(list: "a:\(Self.one):studies:write").grant(for: "key-one")?.scopes == [.writeStudies])
    }

    @Test("unknown, empty, over-long keys and the hash itself are nobody's")
    func unknown() throws {
        let keys = try ApiKeys(list: "a:\(Self.one)")
        for key in ["", "key-on", "key-one ", "KEY-ONE", Self.one, String(repeating: "k", count: 100_000)] {
            #expect(keys.grant(for: key) == nil)
        }
        #expect(try ApiKeys(list: "").grant(for: "key-one") == nil)
        #expect(try ApiKeys(list: " \n").isEmpty)
    }

    @Test("lists are separated by commas or lines, white space and the case of hashes do not matter")
    func lists() throws {
        let keys = try ApiKeys(list: " a:\(Self.two) ,\n b:\(Self.one.uppercased()):sessions:read\n,")
        #expect(keys.names == ["a", "b"])
        #expect(keys.grant(for: "key-one")?.name == "b")
    }

    @Test(
        "what is wrong is said by place, never by content",
        arguments: [
            ("a", .malformed), ("a:", .badHash), (":\(one)", .badName), ("a b/c:\(one)", .badName),
            ("a:\(one.dropLast())", .badHash), ("a:\(one)0", .badHash), ("a:\(one.dropLast())g", .badHash),
            ("a:\(one):", .unknownScope), ("a:\(one):sessions:delete", .unknownScope),
            ("a:\(one):sessions:read+", .unknownScope), ("a:\(one):sessions:read,a:\(two)", .nameTwice),
        ] as [(String, AccessError.ApiKeyProblem)])
    func refusals(list: String, problem: AccessError.ApiKeyProblem) {
        let position = problem == .nameTwice ? 2 : 1
        #expect(throws: AccessError.apiKey(position: position, problem)) { try ApiKeys(list: list) }
    }

    @Test("more keys than the limit are refused")
    func tooMany() {
        let list = (0...ApiKeys.most).map { "k\($0):\(Self.one)" }.joined(separator: ",")
        #expect(throws: AccessError.apiKey(position: ApiKeys.most + 1, .tooMany)) { try ApiKeys(list: list) }
    }
}
