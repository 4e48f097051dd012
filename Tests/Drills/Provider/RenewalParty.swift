import InterviewCore
import NIOPosix
import ParticipantLoad

/// Calls that outlive their provider's connections: each moves to a younger one, and nobody notices.
struct RenewalParty {
    enum Kind: String {
        /// People who take turns: there is a boundary soon.
        case turns = "renewal"
        /// People who never pause: the last moment has to do.
        case restless = "renewal-restless"
    }

    let kind: Kind
    let rig: Rig
    let calls: Int

    static func plan(_ kind: Kind, _ conversation: RigPlan.Conversation) -> RigPlan {
        var plan = RigPlan(conversation: conversation)
        plan.prewarmMaxAge = "2s"
        switch kind {
        case .turns:
            plan.reopenAfter = "12s"
            plan.sessionLimit = "312s"
        case .restless:
            plan.reopenAfter = "4s"
            plan.sessionLimit = "14s"
            // A little later than we are told, so that the old connections' bills can be waited for.
            plan.simulatorFlags = ["--session-seconds", "17"]
        }
        return plan
    }

    private struct Guest: Sendable {
        let session: String
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    private static let movedWithin: Duration = .seconds(40)
    private static let connectedWithin: Duration = .seconds(10)
    /// What is on its way when the account is drawn up: a second.
    private static let tail = 50
    private var name: String { kind.rawValue }

    func hold(_ verdict: inout Verdict) async throws {
        let recordings = VoiceLibrary.installed(languages: ["en", "es", "fr"]).prefix(8)
        guard recordings.count > 3 else { throw DrillError.missing("recorded voices (asterisk-core-sounds-en-wav …)") }
        let voice = try PreparedVoice(VoiceLibrary.load(Array(recordings)), format: .pcm)
        var connections: [Int] = []
        var guests: [Guest] = []
        defer { for guest in guests { Task { await guest.participant.stop() } } }
        for index in 0..<calls {
            guests.append(try await enter(index, voice, &connections))
        }
        try? await eventually("every call to move", within: Self.movedWithin) {
            try await Task.sleep(for: .milliseconds(200))
            return try await moves() >= calls
        }
        let moved = try await moves()
        verdict.figure("\(name)_moves", moved)
        verdict.expect(moved >= calls, "\(name): every call moves to a younger connection", "\(moved)")
        // Long enough for an answer on it, too short for the next move.
        try await Task.sleep(for: .seconds(5))
        var reports: [ParticipantReport] = []
        for guest in guests { reports.append(await guest.participant.progress) }
        try await Task.sleep(for: .seconds(1))
        let witness = try await SimulatorWitness.read(rig)
        try await expectUnnoticed(reports, &verdict)
        expectSound(reports, voice, witness, connections, &verdict)
        if kind == .turns { try await expectTurns(guests, &verdict) }
        let broken = connections.count { number in
            witness.of(number, "closed").contains { $0.code != 1_000 || $0.by != "client" }
        }
        verdict.expect(broken == 0, "\(name): the old connections are closed in order, by us", "\(broken)")
        for guest in guests { await guest.participant.leave() }
        var left = 0
        for guest in guests where await guest.running.value.outcome == .ended(reason: "participant_left") { left += 1 }
        verdict.expect(left == calls, "\(name): and the calls end when their participants leave", "\(left)")
    }

    /// One after the other, so that it is known whose connection is whose.
    private func enter(_ index: Int, _ voice: PreparedVoice, _ connections: inout [Int]) async throws -> Guest {
        let ticket = try await rig.createSession()
        let habits = TurnHabits(thinkMilliseconds: 500...900, patienceMilliseconds: 15_000)
        var settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: ticket.media, up: .pcm, down: .opus,
            style: kind == .turns ? .turns(habits) : .endless, seed: 11 &+ UInt64(index))
        settings.firstClip = index
        settings.keepsCapture = true
        let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
        let running = Task { await participant.run() }
        let known = connections.count
        var opened = connections
        try await eventually("the provider connection of participant \(index)", within: Self.connectedWithin) {
            opened = try await SimulatorWitness.read(rig).connections
            return opened.count > known
        }
        connections = Array(opened.prefix(known + 1))
        return Guest(session: ticket.id, participant: participant, running: running)
    }

    private func moves() async throws -> Int {
        Int(try await DaemonWitness.read(rig).metric("voice_provider_renewals_total"))
    }

    // MARK: What is expected

    private func expectUnnoticed(_ reports: [ParticipantReport], _ verdict: inout Verdict) async throws {
        let told = reports.count { $0.states.contains(.reconnecting) }
        verdict.expect(told == 0, "\(name): nobody is told reconnecting", "\(told)")
        verdict.expect(
            reports.allSatisfy { $0.down.missing == 0 && $0.down.repeated == 0 && $0.connections == 1 },
            "\(name): downwards nothing is missing or comes twice")
        let lost = try await DaemonWitness.read(rig).metric("voice_provider_errors_total")
        verdict.expect(lost == 0, "\(name): no connection is lost", "\(lost)")
    }

    /// By the simulator's recordings of what it was given: every frame on one connection after the other, none missing.
    private func expectSound(
        _ reports: [ParticipantReport], _ voice: PreparedVoice, _ witness: SimulatorWitness, _ connections: [Int],
        _ verdict: inout Verdict
    ) {
        let later = witness.connections.filter { !connections.contains($0) }.map { witness.heard($0) }
        var (whole, moved, again) = (0, 0, [Int]())
        for (index, report) in reports.enumerated() where index < connections.count {
            let frames = report.captured.dropLast(Self.tail).map { LittleEndian.samples(voice.payload($0.source)) }
            let trail = SoundTrail(frames: frames, first: witness.heard(connections[index]), later: later)
            whole += trail.reached >= frames.count && !frames.isEmpty ? 1 : 0
            moved += trail.connections > 1 ? 1 : 0
            again += trail.givenAgain.map { $0 * 20 }
            if trail.reached < frames.count {
                Progress.say(
                    "  participant \(index): \(trail.reached) of \(frames.count) frames on \(trail.connections)")
            }
        }
        verdict.figure("\(name)_given_again_ms_max", again.max() ?? 0)
        verdict.expect(
            whole == calls && moved == calls, "\(name): the provider heard every frame in order, over the move",
            "\(whole) whole, \(moved) moved")
        // Between turns only quiet is given again; a turn that has begun is given from its beginning.
        let most = kind == .turns ? 6_000 : 32_000
        verdict.expect(
            again.allSatisfy { $0 <= most }, "\(name): no turn is given twice", "\(again.max() ?? 0) ms")
    }

    /// The simulator's answers are numbered, and depend on the conversation that it was told.
    private func expectTurns(_ guests: [Guest], _ verdict: inout Verdict) async throws {
        let store = try StoreWitness(rig)
        var (inOrder, alternating) = (0, 0)
        for guest in guests {
            let turns = try await store.journal(guest.session).filter { $0.kind == "turn" }
            let said = turns.filter { $0.body.speaker == "agent" }.compactMap(\.body.text)
            let script = [rig.plan.conversation.greeting] + rig.plan.conversation.answers
            inOrder += said.elementsEqual(script.prefix(said.count)) && said.count > 1 ? 1 : 0
            let speakers = turns.compactMap(\.body.speaker)
            alternating += zip(speakers, speakers.dropFirst()).allSatisfy { $0 != $1 } ? 1 : 0
        }
        verdict.expect(inOrder == calls, "\(name): by the journal no answer is missing or given twice", "\(inOrder)")
        verdict.expect(alternating == calls, "\(name): by the journal no turn stands twice", "\(alternating)")
    }
}

/// Follows one participant's frames over the provider connections that heard them. Frames are PCM, every one differs from
/// its neighbours; silence may have been put in anywhere.
struct SoundTrail {
    /// The first frame that nobody heard in its order.
    private(set) var reached = 0
    private(set) var connections = 1
    /// Frames that each further connection was given again.
    private(set) var givenAgain: [Int] = []

    private let frames: [[Int16]]
    /// By their first samples.
    private var places: [[Int16]: [Int]] = [:]
    private static let keyLength = 8
    /// Sound that may be given again: the longest turn that is kept, and what was spoken since.
    private static let longestOverlap = 2_500

    init(frames: [[Int16]], first: [Int16], later: [[Int16]]) {
        self.frames = frames
        for (index, frame) in frames.enumerated() {
            places[Array(frame.prefix(Self.keyLength)), default: []].append(index)
        }
        reached = end(from: 0, in: first, at: 0)
        var rest = later
        while reached < frames.count {
            guard let (sound, start, sample) = next(of: rest) else { break }
            let end = end(from: start, in: rest[sound], at: sample)
            rest.remove(at: sound)
            guard end > reached else { continue }
            givenAgain.append(reached - start)
            connections += 1
            reached = end
        }
    }

    /// The first frame that is not in `heard` when it is read from `sample` on.
    private func end(from first: Int, in heard: [Int16], at sample: Int) -> Int {
        var (next, at) = (first, sample)
        while next < frames.count, at < heard.count {
            if heard.dropFirst(at).starts(with: frames[next]) {
                at += frames[next].count
                next += 1
            } else if heard[at] == 0 {
                at += 1
            } else {
                break
            }
        }
        return next
    }

    /// A sound that begins at or before the first frame that is missing, where it begins and with which of its samples.
    private func next(of sounds: [[Int16]]) -> (sound: Int, start: Int, sample: Int)? {
        for (index, sound) in sounds.enumerated() {
            guard let voice = sound.firstIndex(where: { $0 != 0 }) else { continue }
            for sample in voice..<min(voice + 960, max(sound.count - Self.keyLength, voice)) {
                let key = Array(sound[sample..<(sample + Self.keyLength)])
                let start = places[key]?.last { place in
                    place <= reached && reached - place <= Self.longestOverlap
                        && sound.dropFirst(sample).starts(with: frames[place])
                }
                if let start { return (index, start, sample) }
            }
        }
        return nil
    }
}
