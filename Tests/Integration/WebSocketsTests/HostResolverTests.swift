import Testing
import WebSockets

@Suite struct HostResolverTests {
    @Test("addresses resolve to themselves, names by the system, nonsense to an error")
    func resolving() async throws {
        let resolver = HostResolver()
        #expect(try await resolver.resolve("127.0.0.1", port: 443) == ["127.0.0.1"])
        #expect(try await resolver.resolve("::1", port: 443) == ["::1"])
        let local = try await resolver.resolve("localhost", port: 80)
        #expect(local.contains("127.0.0.1") || local.contains("::1"))
        #expect(Set(local).count == local.count)
        await #expect(throws: WebSocketError.self) { try await resolver.resolve("no such name", port: 443) }
    }

    @Test("many at once all get their answer")
    func concurrent() async throws {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { (try? await HostResolver().resolve("localhost", port: 1)) != nil }
            }
            for await resolved in group { #expect(resolved) }
        }
    }
}
