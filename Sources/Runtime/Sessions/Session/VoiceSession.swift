import InterviewCore
import Logging
import Ports
import Synchronization

/// One conversation: between a participant's transport and a provider, on one loop, from the seat that admission
/// keeps to the row's end.
///
/// Mailbox
///   in: `TransportSeat` (a connection that said hello), `TransportEvents`, `ProviderEvents`, `LoopTicker` (every
///       20 ms) — all on the loop, without a hop; `begin`, `close`, `forceClose`, `releaseIfAlone`, `summary`,
///       `detail` from the supervisor.
///   out: the transport, the provider, the recorder, the store (off the loop), `SessionKeeper`
///       (`sessionEnded` once).
///
/// What happens next is decided by values: `SessionLifecycle` (life), `TurnLedger` (turns), `BudgetMeter` (money),
/// and inside the two paths `UplinkTimeline` and `Playout` (audio). The actor performs.
package actor VoiceSession {
    nonisolated let id: SessionID
    nonisolated let loop: any SessionLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    nonisolated let study: Study
    nonisolated let services: SessionServices
    nonisolated let settings: SupervisorSettings
    nonisolated let log: Logger
    /// Told what of this session runs; a trap then names it.
    nonisolated let flight: any FlightSeat
    let keeper: any SessionKeeper

    var record: SessionRecord
    var lifecycle: SessionLifecycle
    var ledger: TurnLedger
    var budget: BudgetMeter
    var costs = CostSheet()
    /// A claim is on its way: it settles the row even when the session ends meanwhile.
    var isClaiming = false
    /// Nil until the row is ours.
    var journal: JournalQueue?
    /// Every turn that was handed out, for a provider that has to be told anew.
    var spoken: [Turn] = []

    var transport: (any ParticipantTransport)?
    var observers: [any ParticipantTransport] = []
    /// The page load that is, or was last, connected.
    var client: String?
    var shownState: ConversationState?
    var welcomedAt: Duration?
    /// The present connection has had its `welcome`; nothing else is sent before it.
    var isWelcome = false
    /// What the present connection's `hello` asked for.
    var formats = (up: AudioFormat.opus, down: AudioFormat.opus)
    var resume: Hello.Resume?
    /// `resend_from` after a claim, until the first frame has come.
    var claimedResendFrom: UInt32?

    var provider: (any ProviderConnection)?
    /// Grows with every connection, so that their item ids do not meet.
    var providerGeneration = 0
    var providerIsReady = false
    var providerOpenedAt: Duration = .zero
    var reopening = ReopenPolicy()
    var renewal = RenewalPolicy()
    var successor: Successor?
    var predecessor: Predecessor?
    var watch = AnswerWatch()
    var lineWatch = LineWatch()
    /// The last connection died in the middle of an answer.
    var answerWasCut = false
    /// Answers that failed in a row; a good one resets it.
    var failedAnswers = 0
    var answer: Answer?
    /// Speech of the participant that no answer's bill has covered yet.
    var heardSinceAnswer: Duration = .zero

    var uplink: UplinkPath
    var downlink: DownlinkPath
    var recorder: (any Recorder)?

    /// The conversation's zero on this loop's clock; an earlier owner's time lies before it.
    var beganAt: Duration?
    var participantIsSpeaking = false
    /// In the provider's own milliseconds.
    var speechStartedAt: Int?
    var speechStoppedAt: Duration?
    var nextItemNumber = 0
    var ticks = 0
    var isTicking = false
    var wakeUp: LoopTimer?
    var timeline: Timeline
    var turnLatencies: [Int] = []
    var clientStats: ClientStats?
    var firstFrameSeen = false
    var ackedUpTo: UInt32?
    /// After `end_interview` without a goodbye: one more answer has to be spoken first.
    var farewellIsOwed = false
    var journalFailures = 0
    /// The spool holds copies of records of this session.
    var hasSpooledCopies = false
    /// Some records had no copy while the store was away.
    var spoolIsIncomplete = false
    /// The store, or somebody's token, has said that another holds the row: nothing is committed any more.
    var isFenced = false
    /// The epoch that this process holds; 0 before the claim.
    nonisolated let heldEpoch = Atomic<Int64>(0)
    /// What the study's budget has set aside for this session and it has not spent.
    var reservedMicros: Int64 = 0
    var isToppingUp = false
    /// The study's cap has no room for more: at the end of the reservation this session ends.
    var studyIsSpent = false
    var journalWaiters: [CheckedContinuation<Void, Never>] = []
    /// The row's last change on its way to the store; the next waits for it.
    var rowUpdate: Task<Void, Never>?
    /// A fault of ours has been found, and the supervisor is asked what becomes of the session.
    var hasFailed = false
    /// Those who wait until everything is written and closed.
    var endWaiters: [CheckedContinuation<Void, Never>] = []
    var hasLeft = false

    #if REHEARSAL
        var trap = PlantedTrap()
    #endif

    /// The provider's answer in progress.
    struct Answer {
        var response: String
        var items: [String] = []
        var hasSpoken = false
        /// Samples of speech that came.
        var samples = 0
    }

    init(
        record: SessionRecord, study: Study, loop: any SessionLoop, services: SessionServices,
        settings: SupervisorSettings, keeper: any SessionKeeper, log: Logger
    ) {
        id = record.id
        self.record = record
        self.study = study
        self.loop = loop
        self.services = services
        self.settings = settings
        self.keeper = keeper
        var log = log
        log[metadataKey: "session"] = "\(record.id)"
        self.log = log
        flight = services.flight.seated(record.id, onLoop: loop.index)
        let now = loop.now
        lifecycle = SessionLifecycle(
            limits: settings.limits(for: study), activeBefore: .milliseconds(record.activeMilliseconds),
            resumed: record.startedAt != nil, at: now)
        ledger = TurnLedger(phase: Self.phase)
        budget = BudgetMeter(limitMicros: study.limits.budgetMicros ?? settings.sessionBudgetMicros)
        client = record.client
        uplink = UplinkPath(codecs: services.codecs, rate: services.provider.inputRate)
        downlink = DownlinkPath(codecs: services.codecs, rate: services.provider.outputRate)
        timeline = Timeline(start: now)
    }

    /// The one phase that an interview without a phase plan has.
    static let phase = "interview"

    /// Watches the seat's own timer.
    func begin() { rest(until: lifecycle.nextDeadline()) }

    /// Milliseconds since the conversation began.
    func conversationTime(at now: Duration) -> Int64 {
        beganAt.map { Int64((now - $0) / .milliseconds(1)) } ?? 0
    }

    /// 48 kHz units since the conversation began: the recording's clock.
    func recordingPosition(at now: Duration) -> Int64 {
        beganAt.map { AudioUnits.units(in: now - $0) } ?? 0
    }

    /// What the two audio paths need of the session at this moment.
    var surroundings: AudioSurroundings {
        AudioSurroundings(provider: provider, recorder: recorder, probe: loop.framePathProbe, loop: loop.index)
    }

    /// An id of ours: it outlives a provider's.
    func newItem() -> String {
        defer { nextItemNumber += 1 }
        return "i\(record.ownership.epoch)-\(nextItemNumber)"
    }

    func note(_ what: String) { timeline.note(what, at: loop.now) }
}

// MARK: - Time
extension VoiceSession: LoopTicker {
    package nonisolated func tick(at now: Duration) {
        flight.within(.tick) { assumeIsolated { $0.ticked(at: now) } }
    }

    /// Audio every 20 ms, everything else every fifth time.
    private func ticked(at now: Duration) {
        downlink.tick()
        pumpDownlink(at: now)
        uplink.tick(at: now, in: surroundings)
        ticks += 1
        if ticks.isMultiple(of: 5) { look(at: now) }
    }

    func startTicking() {
        if let timer = wakeUp { loop.cancel(timer) }
        wakeUp = nil
        guard !isTicking else { return }
        isTicking = true
        loop.startTicking(self)
    }

    func stopTicking() {
        guard isTicking else { return }
        isTicking = false
        loop.stopTicking(self)
    }

    /// Sleeps: a session that waits for somebody costs nothing until then.
    func rest(until deadline: Duration?) {
        stopTicking()
        if let timer = wakeUp { loop.cancel(timer) }
        wakeUp = nil
        guard let deadline else { return }
        wakeUp = loop.schedule(at: deadline) { [self] in
            flight.within(.timer) { assumeIsolated { $0.wokenUp() } }
        }
    }

    private func wokenUp() {
        wakeUp = nil
        look(at: loop.now)
        if !isTicking, lifecycle.outcome == nil { rest(until: lifecycle.nextDeadline()) }
    }

    /// The slow look: turns that are complete, timers, the end of the last words.
    func look(at now: Duration) {
        guard lifecycle.outcome == nil else { return }
        if participantIsSpeaking { lifecycle.participantSpoke(at: now) }
        settleTurns(at: now)
        switch lifecycle.ticked(at: now) {
        case .nothing: break
        case .askStillThere: askStillThere()
        case .wrapUp: wrapUp(because: "time")
        case .end(let end): finish(end, reaped: true)
        case .abandon: abandonSeat()
        }
        watchProvider(at: now)
        if renewal.isDue { renew(at: now) }
        guard lifecycle.outcome == nil else { return }
        checkFarewell(at: now)
        if ticks.isMultiple(of: 50) { acknowledge(at: now) }
        // What was frozen has been settled by now, and the provider has had its silence.
        if case .suspended(let since) = lifecycle.state, isTicking, now - since > Playout.freezeLimit + .seconds(1) {
            rest(until: lifecycle.nextDeadline())
        }
    }
}
