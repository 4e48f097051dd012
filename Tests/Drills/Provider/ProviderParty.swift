import InterviewCore
import ParticipantLoad

/// The calls of one scenario, from their greeting to their end.
struct ProviderParty {
    let scenario: ProviderScenario
    let rig: Rig
    let calls: Int

    private struct Guest: Sendable {
        let ticket: JoinTicket
        let participant: Participant
        let running: Task<ParticipantReport, Never>
        /// When it was told `reconnecting`, on its own clock.
        var told: Duration?
        /// From the last frame before the fault to the first after it.
        var silence: Duration?
    }

    private static let greetedWithin: Duration = .seconds(30)
    /// The longest are the silent ones: ten seconds until that is noticed, and a turn before.
    private static let goesOnWithin: Duration = .seconds(60)
    private static let wholeWithin: Duration = .seconds(10)
    /// The log is long; it is not read every 20 ms.
    private static let betweenLooks: Duration = .milliseconds(200)
    /// Frames that make an answer: a second.
    private static let framesOfAnswer = 50

    private var name: String { scenario.name }

    func hold(_ verdict: inout Verdict) async throws {
        let start = try await SimulatorWitness.length(rig)
        let errors = try await counted()
        var guests = try await gather()
        defer { for guest in guests { Task { await guest.participant.stop() } } }
        let connections = try await SimulatorWitness.read(rig, after: start).connections
        verdict.expect(connections.count == calls, "\(name): a connection for each call", "\(connections.count)")
        try await arm(scenario.faults(for: connections, permanent: Sabotage.isOn))
        let relief = scenario.lasting.map { lasting in
            Task {
                try await Task.sleep(for: lasting)
                try await arm("[]")
            }
        }
        defer { relief?.cancel() }
        switch scenario.outcome {
        case .reopened: try await reopen(&guests, since: start, connections, heardAgain: false, &verdict)
        case .heardAgain: try await reopen(&guests, since: start, connections, heardAgain: true, &verdict)
        case .goesOn: try await goOn(guests, since: start, connections, &verdict)
        case .ends(let detail): try await end(guests, detail, &verdict)
        }
        if let kind = scenario.error {
            let more = Int(try await counted() - errors)
            verdict.figure("\(name)_errors_counted", more)
            verdict.expect(more >= calls * scenario.errorsEach, "\(name): counted as \(kind)", "\(more)")
        }
        try await arm("[]")
        if case .ends = scenario.outcome { return }
        try await sayGoodbye(guests, &verdict)
    }

    /// All faults at once; what was armed before is gone.
    private func arm(_ faults: String) async throws {
        let answer = try await rig.http.put(try rig.simulatorAddress, "/sim/faults", body: Array(faults.utf8))
        guard answer.status == 200 else {
            throw DrillError.unreadable("PUT /sim/faults: \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    private func counted() async throws -> Double {
        guard let kind = scenario.error else { return 0 }
        return try await DaemonWitness.read(rig).metric("voice_provider_errors_total", ["error_type": kind])
    }

    /// Everybody in the room and greeted.
    private func gather() async throws -> [Guest] {
        var guests: [Guest] = []
        for _ in 0..<calls {
            let ticket = try await rig.createSession()
            let caller = try Caller(ticket, up: .opus, recordings: [Caller.english, Caller.spanish], rounds: nil)
            let participant = caller.participant
            guests.append(
                Guest(ticket: ticket, participant: participant, running: Task { await participant.run() }))
        }
        for guest in guests {
            try await eventually("the greeting", within: Self.greetedWithin) {
                await guest.participant.itemsAnnounced >= 1
            }
        }
        return guests
    }

    // MARK: Another connection

    private func reopen(
        _ guests: inout [Guest], since start: Int, _ connections: [Int], heardAgain: Bool, _ verdict: inout Verdict
    ) async throws {
        var found = guests
        try? await eventually("an answer after the fault", within: Self.goesOnWithin) {
            var isOver = true
            for index in found.indices where found[index].silence == nil {
                let report = await found[index].participant.progress
                if report.outcome != nil { continue }
                isOver = false
                if found[index].told == nil, report.states.contains(.reconnecting) {
                    found[index].told = await Self.clock(found[index].participant, report)
                }
                if let told = found[index].told { found[index].silence = Self.silence(in: report, after: told) }
            }
            return isOver
        }
        guests = found
        let told = guests.count { $0.told != nil }
        let answered = guests.compactMap(\.silence)
        verdict.expect(told == calls, "\(name): every participant is told reconnecting", "\(told)")
        verdict.expect(answered.count == calls, "\(name): every call goes on with an answer", "\(answered.count)")
        figures(answered, &verdict)
        var witness = try await SimulatorWitness.read(rig, after: start)
        var later: [Int] = []
        var speaking: [Int] = []
        // The answer that is heard may still be on its way to its end.
        try? await eventually("whole answers", within: Self.wholeWithin) {
            try await Task.sleep(for: Self.betweenLooks)
            witness = try await SimulatorWitness.read(rig, after: start)
            later = witness.connections.filter { !connections.contains($0) }
            speaking = later.filter { number in witness.of(number, "said").contains { $0.complete == true } }
            return speaking.count == calls
        }
        verdict.expect(
            speaking.count == calls, "\(name): by the simulator's log each call was answered on a new connection",
            "\(speaking.count) of \(later.count)")
        if heardAgain {
            let heard = later.filter { number in
                let entries = witness.entries.filter { $0.connection == number }
                let first = entries.first { $0.kind == "committed" || $0.kind == "first_audio" }
                return first?.kind == "committed"
            }
            verdict.expect(
                heard.count == calls, "\(name): the lost turn is heard by the new connection before it answers",
                "\(heard.count)")
        }
        try await expectRunning(guests, &verdict)
    }

    /// A participant's own clock, on which its frames are dated.
    private static func clock(_ participant: Participant, _ report: ParticipantReport) async -> Duration? {
        guard let since = await participant.sinceWelcome, let joined = report.joinTook else { return nil }
        return joined + since
    }

    /// From the last frame before `told` (and what was still being played) to the first of a whole answer after it.
    private static func silence(in report: ParticipantReport, after told: Duration) -> Duration? {
        guard
            let next = report.down.items.first(where: { $0.announcedAt > told && $0.frames >= framesOfAnswer }),
            let first = report.down.items.first(where: { $0.announcedAt > told && $0.frames > 0 })?.firstFrameAt,
            next.firstFrameAt != nil, let last = report.received.last(where: { $0.at < first })
        else { return nil }
        return first - last.at
    }

    // MARK: The same connection

    private func goOn(
        _ guests: [Guest], since start: Int, _ connections: [Int], _ verdict: inout Verdict
    ) async throws {
        var silences: [Duration] = []
        try? await eventually("an answer after the fault", within: Self.goesOnWithin) {
            try await Task.sleep(for: Self.betweenLooks)
            let witness = try await SimulatorWitness.read(rig, after: start)
            silences = connections.compactMap { Self.silence(in: witness, on: $0, after: scenario.fault) }
            return silences.count == calls
        }
        verdict.expect(
            silences.count == calls, "\(name): by the simulator's log each call was answered after the fault",
            "\(silences.count)")
        // A complaint in the middle of an answer silences nobody.
        if scenario.fault != "error_event" { figures(silences, &verdict) }
        var told = 0
        for guest in guests where await guest.participant.progress.states.contains(.reconnecting) { told += 1 }
        verdict.expect(told == 0, "\(name): nobody is told reconnecting", "\(told)")
        let all = try await SimulatorWitness.read(rig, after: start).connections
        let opened = all.filter { !connections.contains($0) }
        verdict.expect(opened.isEmpty, "\(name): no other connection is opened", "\(opened.count)")
        try await expectRunning(guests, &verdict)
    }

    /// From the fault to the next first sound, once that answer has been spoken to its end.
    private static func silence(in witness: SimulatorWitness, on connection: Int, after fault: String) -> Duration? {
        let entries = witness.entries.filter { $0.connection == connection }
        guard let struck = entries.first(where: { $0.kind == "fault" && $0.fault == fault }) else { return nil }
        let later = entries.filter { $0.ms >= struck.ms }
        guard later.contains(where: { $0.kind == "said" && $0.complete == true }) else { return nil }
        guard let sound = later.first(where: { $0.kind == "first_audio" }) else { return .zero }
        return .milliseconds(sound.ms - struck.ms)
    }

    // MARK: The end

    private func end(_ guests: [Guest], _ detail: String, _ verdict: inout Verdict) async throws {
        try? await eventually("the end of every call", within: Self.goesOnWithin) {
            for guest in guests where await guest.participant.progress.outcome == nil { return false }
            return true
        }
        var ended = 0
        for guest in guests
        where await guest.participant.progress.outcome == .ended(reason: "provider_failed") { ended += 1 }
        verdict.expect(ended == calls, "\(name): every participant is told provider_failed", "\(ended)")
        let store = try StoreWitness(rig)
        var rows = 0
        for guest in guests {
            try? await eventually("the row", within: .seconds(10)) {
                try await store.row(guest.ticket.id)?.state == "ended"
            }
            let row = try await store.row(guest.ticket.id)
            if row?.reason == "provider_failed", row?.detail == detail { rows += 1 }
        }
        verdict.expect(rows == calls, "\(name): the rows say provider_failed, \(detail)", "\(rows)")
    }

    // MARK: What all have in common

    private func expectRunning(_ guests: [Guest], _ verdict: inout Verdict) async throws {
        let store = try StoreWitness(rig)
        var running = 0
        for guest in guests where try await store.row(guest.ticket.id)?.state == "active" { running += 1 }
        verdict.expect(running == calls, "\(name): the same sessions go on", "\(running)")
    }

    private func sayGoodbye(_ guests: [Guest], _ verdict: inout Verdict) async throws {
        for guest in guests { await guest.participant.leave() }
        var left = 0
        for guest in guests where await guest.running.value.outcome == .ended(reason: "participant_left") { left += 1 }
        verdict.expect(left == calls, "\(name): and end when their participants leave", "\(left)")
    }

    private func figures(_ silences: [Duration], _ verdict: inout Verdict) {
        let sorted = silences.map { $0 / .milliseconds(1) }.sorted()
        guard let longest = sorted.last else { return }
        verdict.figure("\(name)_silence_ms_median", sorted[sorted.count / 2])
        verdict.figure("\(name)_silence_ms_max", longest)
    }
}
