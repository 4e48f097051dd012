import InterviewCore
import Ports
import Sessions
import TestKit
import Testing

@Suite struct AfterwardsTests {
    @Test("a conversation that has ended leaves no timer behind, which would hold all of it")
    func timers() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Hello", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("I am here", item: "p1")
        // Its turns are not in the store yet: the end has to wait for them.
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        while await rig.supervisor.health().activeSessions > 0 { await Task.yield() }
        #expect(rig.loop.pendingTimers == 0)
        #expect(!rig.loop.isTicking)
    }
}
