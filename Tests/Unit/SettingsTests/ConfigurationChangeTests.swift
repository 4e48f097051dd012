import Settings
import Testing

@Suite struct ConfigurationChangeTests {
    @Test("a change is told by its key: what counts at once, and what waits for a restart")
    func change() throws {
        func printed(_ overrides: String...) throws -> [String: String] {
            try Configuration.load(file: nil, environment: ["HOME": "/h"], overrides: overrides, purpose: .dev).printed
        }
        let plain = try printed()
        #expect(plain.count == ConfigurationKeys.all.count)
        #expect(ConfigurationChange(from: plain, to: plain).isEmpty)
        let change = ConfigurationChange(
            from: plain, to: try printed("limits.idle=90s", "media.port=1", "log.level=debug", "web.host=::1"))
        #expect(change.live == ["limits.idle", "log.level"])
        #expect(change.needsRestart == ["media.port", "web.host"])
    }

    @Test("the keys that may change are keys, and no path of an open file is among them")
    func live() {
        let names = Set(ConfigurationKeys.all.map(\.name))
        #expect(ConfigurationKeys.live.isSubset(of: names))
        #expect(ConfigurationKeys.live.isDisjoint(with: ["state.folder", "recordings.folder", "objects.folder"]))
    }
}
