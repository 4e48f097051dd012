import InterviewCore
import Ports
import Sessions
import TestKit
import Testing

@Suite("What an operator sees of a conversation")
struct TimelineTests {
    @Test("the timeline tells what happened and what the client measured, in order, and nothing that was said")
    func timeline() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("A secret word", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("My name is Ann", item: "u1")
        await line.answers("Hello Ann", item: "a2", response: "r2", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await rig.loop.run {
            transport.says(
                .stats(
                    ClientStats(
                        roundTripMilliseconds: 34, microphoneDecibels: -31.6, underruns: 2, codec: "Ann's codec",
                        device: "Ann's microphone")))
        }
        await rig.loop.run { transport.drops(.dead) }
        let detail = try #require(await rig.supervisor.session(claims.session))
        let told = detail.timeline.map(\.what)
        #expect(told.contains("client: rtt 34 ms, microphone -32 dBFS, underruns 2"))
        #expect(told.contains { $0.hasPrefix("participant connected") })
        #expect(told.contains("opening provider connection 1"))
        #expect(told.contains { $0.hasPrefix("provider ready after ") })
        #expect(told.contains { $0.hasPrefix("answer after ") })
        #expect(told.contains { $0.hasPrefix("participant lost") })
        #expect(detail.timeline.map(\.atMilliseconds) == detail.timeline.map(\.atMilliseconds).sorted())
        for word in ["Ann", "secret", "Hello"] { #expect(!told.contains { $0.contains(word) }) }
    }

    @Test("what happened and what clients report have bounds of their own")
    func bounds() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        await rig.loop.run {
            for number in 0..<1_000 {
                transport.says(.stats(ClientStats(roundTripMilliseconds: number)))
                transport.says(.mute(number.isMultiple(of: 2)))
            }
        }
        let detail = try #require(await rig.supervisor.session(claims.session))
        #expect(detail.timeline.count == 260)
        #expect(detail.timeline.count { $0.what.hasPrefix("client: ") } == 60)
        #expect(detail.timeline.contains { $0.what == "client: rtt 999 ms" })
    }

    @Test("the money of a session is told by model, and of all that run")
    func cost() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        await line.says(
            .answerStarted(response: "r1"),
            .answerFinished(response: "r1", outcome: .completed, usage: Usage(textIn: 100, cachedTextIn: 40)))
        let cost = try #require(await rig.supervisor.cost(of: claims.session))
        #expect(cost.spentMicros == 60)
        #expect(cost.limitMicros == 15_000_000)
        #expect(cost.models.map(\.model) == ["fake-model"])
        #expect(cost.models.first?.cachedTokens == 40)
        #expect(await rig.supervisor.costs() == [cost])
        #expect(await rig.supervisor.cost(of: try #require(SessionID("nobody"))) == nil)
    }
}
