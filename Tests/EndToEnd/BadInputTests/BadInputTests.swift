import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad
import Ports
import SessionTokens
import Testing
import voice_drill

/// Everything that a peer may send wrongly, at the running programs: what it is answered, what is counted, logged and
/// stored, and that nobody else hears of it. Serialized: real time for twenty people wants the machine for itself.
@Suite(.serialized) struct BadInputTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    /// Seconds a participant may stay away: the least that a study can say.
    static let rejoin = 10
    static let study = "bad-input"

    @Test(
        "whatever one peer sends ends that peer's line as the table says, and twenty others hear none of it",
        .timeLimit(.minutes(5)))
    func table() async throws {
        let rig = try await Rig.start(
            Self.plan,
            try .make(binaries: "\(Self.root)/.build/release", manifests: "\(Self.root)/Manifests"))
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await hold(rig))
        } catch {
            outcome = .failure(error)
        }
        #expect(rig.daemon.ended == nil, "the daemon runs to the end: \(rig.daemon.lastErrorLines)")
        await rig.stop()
        try outcome.get()
    }

    private func hold(_ rig: Rig) async throws {
        try await rig.save(study: Self.study, limits: ["rejoin_seconds": Self.rejoin])
        let bystanders = try await Bystanders.join(rig)
        do {
            var sessions: [(row: BadInput, session: String)] = []
            for row in BadInput.table { sessions.append((row, try await check(row, rig))) }
            for fault in ["garbage", "oversize"] { try await check(fault: fault, rig) }
            try await check(stored: sessions, rig)
        } catch {
            await bystanders.stop()
            throw error
        }
        for (number, account) in try await bystanders.leave().enumerated() {
            #expect(account.report.outcome == .ended(reason: "participant_left"), "bystander \(number)")
            #expect(account.report.errors == [:], "bystander \(number)")
            #expect(account.report.closeCodes == [1000: 1], "bystander \(number)")
            #expect(account.report.down.missing + account.report.down.repeated == 0, "bystander \(number)")
            #expect(account.sound.isComplete, "bystander \(number): \(account.sound)")
            // Ten seconds of speech and room at least: an empty comparison proves nothing.
            #expect(account.sound.matched > 500, "bystander \(number)")
        }
    }

    private static var plan: RigPlan {
        RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "Hello, and welcome. How are you today?",
                answers: (1...40).map { "I see. Please tell me more about point \($0)." },
                participant: (1...40).map { "This is what I say in turn \($0)." }, ends: false))
    }

    // MARK: Rows

    /// Returns the row's session.
    private func check(_ row: BadInput, _ rig: Rig) async throws -> String {
        let ticket = try await rig.createSession(study: Self.study)
        let intruder = Intruder(
            port: UInt16(rig.ports.media), ticket: ticket, expired: try await Self.expiredToken(ticket.id))
        if case .knock(_, .ended) = row.act {
            try await intruder.leaveAtOnce()
            try await eventually("the end of a session", within: .seconds(5)) {
                try await StoreWitness(rig).row(ticket.id)?.state == "ended"
            }
        }
        let wanted = row.counted.counters
        let words = row.logged
        // Who only knocks is not known by session.
        let about = words[0].contains("knock") ? "knock" : ticket.id
        let before = try await Counters.read(rig)
        let told = try await DaemonWitness.read(rig).lines(of: about, words)
        do {
            let answer = try await intruder.act(row.act, leaving: row.answer == .taken)
            #expect(answer == row.answer, "\(row)")
        } catch {
            Issue.record("\(row): \(error)")
        }
        var grown = Counters()
        var lines = 0
        try? await eventually("counter and log of \(row)", within: .seconds(3)) {
            grown = try await Counters.read(rig).since(before)
            lines = try await DaemonWitness.read(rig).lines(of: about, words) - told
            return grown == wanted && lines == 1
        }
        #expect(grown == wanted, "\(row)")
        #expect(lines == 1, "\(row): one line of the log with \(words)")
        return ticket.id
    }

    /// What the rows say, when everybody's time to come back is over.
    private func check(stored: [(row: BadInput, session: String)], _ rig: Rig) async throws {
        let store = try StoreWitness(rig)
        func found(_ session: String) async throws -> String {
            let row = try await store.row(session)
            return "\(row?.state ?? "-") \(row?.reason ?? "-") \(row?.detail ?? "-")"
        }
        for (row, session) in stored {
            try? await eventually("the row of \(row)", within: .seconds(Self.rejoin + 10)) {
                try await found(session) == row.stored.rawValue
            }
            let text = try await found(session)
            #expect(text == row.stored.rawValue, "\(row)")
        }
    }

    // MARK: The provider's nonsense

    /// The provider says something that is none of its protocol: its connection is replaced, the participant stays.
    private func check(fault: String, _ rig: Rig) async throws {
        let known = Set(try await SimulatorWitness.read(rig).connections)
        let ticket = try await rig.createSession(study: Self.study)
        let voice = try PreparedVoice(VoiceLibrary.load([Caller.alsa]), format: .opus)
        let participant = Participant(
            ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media,
                style: .turns(TurnHabits(thinkMilliseconds: 300...600)), seed: 9),
            voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
        let running = Task { await participant.run() }
        try await eventually("the greeting", within: .seconds(10)) { await participant.itemsAnnounced > 0 }
        let connection = try #require(
            try await SimulatorWitness.read(rig).connections.first { !known.contains($0) })
        let before = try await Counters.read(rig)
        let answer = try await rig.http.post(
            try rig.simulatorAddress, "/sim/faults",
            body: Array(#"{"fault":"\#(fault)","connection":\#(connection)}"#.utf8))
        #expect(answer.status == 200, "\(fault)")
        try await eventually("another provider connection after \(fault)", within: .seconds(20)) {
            try await SimulatorWitness.read(rig).connections.contains { $0 > connection }
        }
        let heard = await participant.itemsAnnounced
        try await eventually("an answer after \(fault)", within: .seconds(20)) {
            await participant.itemsAnnounced > heard
        }
        var wanted = Counters()
        wanted.providerErrors["protocol"] = 1
        #expect(try await Counters.read(rig).since(before) == wanted, "\(fault)")
        #expect(
            try await DaemonWitness.read(rig).lines(
                of: ticket.id, [#""event":"provider lost""#, #""kind":"protocol""#]) == 1, "\(fault)")
        await participant.leave()
        let report = await running.value
        #expect(report.closeCodes == [1000: 1], "\(fault)")
        let store = try StoreWitness(rig)
        try? await eventually("the row's end", within: .seconds(5)) {
            try await store.row(ticket.id)?.state == "ended"
        }
        #expect(try await store.row(ticket.id)?.reason == "participant_left", "\(fault)")
    }

    /// Signed as voiced signs, and over at once.
    private static func expiredToken(_ session: String) async throws -> String {
        let tokens = await JWTTokenAuthority(try TokenSecrets(list: Rig.tokenSecret))
        return try await tokens.sign(
            TokenClaims(participant: "p", session: try #require(SessionID(session)), scope: .join),
            lifetime: .seconds(-60))
    }
}
