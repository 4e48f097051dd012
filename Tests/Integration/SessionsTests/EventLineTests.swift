import InterviewCore
import Logging
import Ports
import SQLiteStore
import Sessions
import Synchronization
import TestKit
import Testing

/// Keeps every line, at every level.
private struct CapturingLog: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[(event: String, metadata: [String: String])]>([])
        func add(_ event: String, _ metadata: [String: String]) { lines.withLock { $0.append((event, metadata)) } }
        var all: [(event: String, metadata: [String: String])] { lines.withLock { $0 } }
        func named(_ event: String) -> [[String: String]] { all.filter { $0.event == event }.map(\.metadata) }
    }
    let lines: Lines
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        lines.add("\(event.message)", all.mapValues { "\($0)" })
    }
}

@Suite("What the log tells of a conversation")
struct EventLineTests {
    private func rig() async throws -> (Rig, CapturingLog.Lines) {
        let lines = CapturingLog.Lines()
        return (try await Rig(capacity: 1, log: Logger(label: "test") { _ in CapturingLog(lines: lines) }), lines)
    }

    @Test("beginning, loss, rejoin, trouble of the provider and end are one line each, with stable keys")
    func events() async throws {
        let (rig, lines) = try await rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await rig.loop.run { transport.drops(.dead) }
        let back = try await rig.join(claims)
        _ = await back.welcome()
        await line.says(.failed(ProviderFailure(kind: .network, code: "ECONNRESET")))
        await rig.loop.run { back.says(.leave) }
        await rig.settled(claims)

        let session = claims.session.text
        #expect(lines.named("session begins").map { $0["session"] } == [session])
        #expect(
            lines.named("session begins").first?.keys.sorted() == ["epoch", "language", "loop", "session", "study"])
        #expect(lines.named("participant lost") == [["session": session, "cause": "dead"]])
        #expect(lines.named("participant rejoined") == [["session": session, "kind": "same_process"]])
        #expect(lines.named("provider lost").count == 1)
        #expect(lines.named("provider lost").first?["kind"] == "network")
        let ends = lines.named("session ends")
        #expect(ends.count == 1)
        #expect(ends.first?["reason"] == "participant_left")
        #expect(
            ends.first?.keys.sorted() == [
                "active_s", "cost_micros", "detail", "epoch", "reason", "session", "study", "turns",
            ])
    }

    @Test("no line at any level holds speech, a name, a prompt, a token or an operator's words")
    func secrets() async throws {
        let (rig, lines) = try await rig()
        let id = try #require(SessionID("s1"))
        _ = try await rig.store.create(
            NewSession(id: id, study: rig.study.id, participant: "Ann-Smith", expiresIn: .seconds(3_600)))
        let claims = TokenClaims(participant: "Ann-Smith", session: id, scope: .join)
        let (transport, line) = try await rig.call(claims)
        let welcome = try #require(await transport.welcome())
        await line.answers("Hello Ann", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("I am Ann", item: "u1")
        await line.says(
            .complained(code: "some_code"), .toolCalled(call: "c", name: "x", arguments: "Ann", response: "r"))
        await rig.loop.run {
            transport.says(.stats(ClientStats(codec: "Ann", device: "Ann's phone")))
        }
        #expect(try await rig.supervisor.close(id, detail: "asked by Ann") == .closed)
        await rig.settled(claims)
        #expect(lines.all.count >= 2)
        for (event, metadata) in lines.all {
            let text = event + metadata.map { " \($0.key)=\($0.value)" }.joined()
            for secret in ["Ann", "Be kind", "Hello there", welcome.rejoinToken] {
                #expect(!text.contains(secret), "\(event)")
            }
        }
        // The row has the operator's words, the log has not.
        #expect(try await rig.row(claims).completionDetail == "asked by Ann")
    }

    @Test("a recording with a hole is noted in the journal")
    func recording() async throws {
        let (rig, _) = try await rig()
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        rig.recorders.fail()
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        let notes = try await rig.store.journal(of: claims.session).compactMap { record in
            if case .note(let note) = record.entry { note.what } else { nil }
        }
        #expect(notes == ["recording_incomplete"])
        #expect(rig.metrics.value(Metric.recordingFailures) == 1)
    }
}
