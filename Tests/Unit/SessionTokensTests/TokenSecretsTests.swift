import Foundation
import InterviewCore
import Ports
import SessionTokens
import Testing

@Suite("TokenSecrets and their file")
struct TokenSecretsTests {
    @Test("a short secret is refused with its place and length, none is refused, too many are")
    func refusals() {
        let good = String(repeating: "x", count: 32)
        #expect(throws: AccessError.secretTooShort(position: 2, bytes: 31)) {
            try TokenSecrets(list: "\(good),\(good.dropLast())")
        }
        #expect(throws: AccessError.noSecret) { try TokenSecrets(list: " , \n,") }
        let nine = (0..<9).map { "\($0)" + good }.joined(separator: ",")
        #expect(throws: AccessError.tooManySecrets(9)) { try TokenSecrets(list: nine) }
    }

    @Test("secrets do not show when printed, dumped or described in an error")
    func hidden() throws {
        let text = "correct-horse-battery-staple-correct-horse"
        let secrets = try TokenSecrets(list: text)
        var dumped = ""
        dump(secrets, to: &dumped)
        for shown in ["\(secrets)", String(reflecting: secrets), dumped] { #expect(!shown.contains("horse")) }
        #expect(throws: AccessError.self) { try TokenSecrets(list: "short-secret") }
        #expect(!"\(AccessError.secretTooShort(position: 1, bytes: 12))".contains("short-secret"))
    }

    /// A folder of its own, gone with the closure.
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "voiced-secret-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("the file is made once, for this user alone, and read afterwards")
    func file() throws {
        try inFolder { folder in
            let path = folder + "/" + TokenSecretFile.name
            _ = try TokenSecretFile.loadOrCreate(in: folder)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.utf8.count > 32)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            _ = try TokenSecretFile.loadOrCreate(in: folder)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [TokenSecretFile.name])
        }
    }

    @Test("on a new machine the folders above are made too")
    func newMachine() throws {
        try inFolder { home in
            let folder = home + "/.local/state/voiced"
            _ = try TokenSecretFile.loadOrCreate(in: folder)
            #expect(FileManager.default.fileExists(atPath: folder + "/" + TokenSecretFile.name))
            // A file where a folder should be is said, not walked around.
            #expect(FileManager.default.createFile(atPath: home + "/file", contents: Data()))
            #expect(throws: AccessError.secretFile(code: "ENOTDIR")) {
                _ = try TokenSecretFile.loadOrCreate(in: home + "/file/voiced")
            }
        }
    }

    @Test("a secret made at one start verifies the tokens of that start at the next")
    func acrossStarts() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "voiced-secret-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let claims = TokenClaims(participant: "p", session: try #require(SessionID("s")), scope: .join)
        let token = try await JWTTokenAuthority(TokenSecretFile.loadOrCreate(in: folder))
            .sign(claims, lifetime: .seconds(60))
        let next = await JWTTokenAuthority(try TokenSecretFile.loadOrCreate(in: folder))
        #expect(try await next.verify(token) == claims)
    }

    @Test("many that start at once agree on one secret")
    func race() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "voiced-secret-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let claims = TokenClaims(participant: "p", session: try #require(SessionID("s")), scope: .join)
        let authorities = try await withThrowingTaskGroup(of: JWTTokenAuthority.self) { group in
            for _ in 0..<16 {
                group.addTask { await JWTTokenAuthority(try TokenSecretFile.loadOrCreate(in: folder)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let token = try await authorities[0].sign(claims, lifetime: .seconds(60))
        for authority in authorities { #expect(try await authority.verify(token) == claims) }
    }

    @Test("a file that others can read, a link and an empty file are refused")
    func suspicious() throws {
        try inFolder { folder in
            let path = folder + "/" + TokenSecretFile.name
            let secret = Data(String(repeating: "x", count: 40).utf8)
            _ = FileManager.default.createFile(
                atPath: path, contents: secret, attributes: [.posixPermissions: NSNumber(value: 0o640)])
            #expect(throws: AccessError.secretFileOpenToOthers) { try TokenSecretFile.loadOrCreate(in: folder) }
            try FileManager.default.moveItem(atPath: path, toPath: folder + "/real")
            try FileManager.default.setAttributes(
                [.posixPermissions: NSNumber(value: 0o600)], ofItemAtPath: folder + "/real")
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder + "/real")
            #expect(throws: AccessError.secretFile(code: "ELOOP")) { try TokenSecretFile.loadOrCreate(in: folder) }
            try FileManager.default.removeItem(atPath: path)
            _ = FileManager.default.createFile(
                atPath: path, contents: Data(), attributes: [.posixPermissions: NSNumber(value: 0o600)])
            #expect(throws: AccessError.noSecret) { try TokenSecretFile.loadOrCreate(in: folder) }
        }
    }

    @Test("a folder that cannot be is an error, not a trap")
    func noFolder() {
        #expect(throws: AccessError.secretFile(code: "ENOTDIR")) {
            try TokenSecretFile.loadOrCreate(in: "/dev/null/state")
        }
    }
}
