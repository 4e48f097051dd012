import Testing
import WebSocketTransport

@Suite struct AudioBacklogTests {
    @Test("a hundred frames on the way are too many, ninety-nine are not, however large they are")
    func counting() {
        for size in [20, 100, 8_000] {
            var backlog = AudioBacklog(limit: .seconds(2))
            for _ in 0..<1_000 { backlog.sentFrame(bytes: size) }
            #expect(!backlog.isExceeded(outstanding: 0))
            #expect(!backlog.isExceeded(outstanding: 99 * size))
            #expect(backlog.isExceeded(outstanding: 99 * size + 1))
        }
    }

    @Test("text on the way does not count as audio, and a young line is never slow")
    func text() {
        var backlog = AudioBacklog(limit: .seconds(2))
        backlog.sent(bytes: 1_000_000)
        #expect(!backlog.isExceeded(outstanding: 1_000_000))
        for _ in 0..<99 { backlog.sentFrame(bytes: 100) }
        #expect(!backlog.isExceeded(outstanding: 1_009_900))
        backlog.sentFrame(bytes: 100)
        #expect(backlog.isExceeded(outstanding: 1_010_000))
    }
}
