import InterviewCore
import NIOCore

/// One participant of `voiced.v1`: joins, talks from prepared speech in real time, plays what it hears on a simulated
/// loudspeaker, comes back after a loss and sends again what was not acknowledged, until the conversation ends or it is
/// stopped. Lives on one event loop; a tick every 20 ms does everything that time demands.
package actor Participant {
    enum Phase: Hashable {
        case idle
        /// From the attempt to the upgrade.
        case opening(since: Duration)
        /// `hello` is out, `welcome` is not in.
        case greeting(since: Duration)
        case live
        /// `leave` is out.
        case leaving(since: Duration)
        case pausing(until: Duration, viaOwner: Bool)
        case over
    }

    /// Silence of the peer after which the line is dead, and own silence after which a beat is due.
    static let deadAfter: Duration = .seconds(3)
    static let beatAfter: Duration = .milliseconds(900)
    static let welcomeWithin: Duration = .seconds(10)
    static let statsEvery: Duration = .seconds(10)
    static let byeWithin: Duration = .seconds(3)
    /// Resending goes at most this many times faster than the clock.
    static let resendFactor = 8

    let loop: any EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

    let settings: ParticipantSettings
    let voice: PreparedVoice
    /// Random id of this page life.
    let client: String
    var chance: SeededChance

    var phase: Phase = .idle
    var link: ParticipantLink?
    /// Counts attempts, so that events of a replaced line are known and dropped.
    var attempt = 0
    var policy: RejoinPolicy
    var token: String
    var ownerAddress: Address?
    var byeRejoin: (reason: String, rejoinIn: Duration?)?

    var plan: TalkPlan
    var memory = UplinkMemory()
    var playback = PlaybackClock()
    var report: ParticipantReport
    var sequence: UInt16
    /// Capture began with the first welcome; frames captured since.
    var captureBegan: Duration?
    var captured = 0
    let firstTimestamp: UInt32
    var mutedByPlan = false
    /// Muted from outside.
    var mutedByHand = false
    var muteSaid = false

    let began: Duration
    var welcomedAt: Duration?
    var utteranceEnded: Duration?
    var lastSent: Duration = .zero
    var lastHeard: Duration = .zero
    var lastTransmit: Duration = .zero
    var sendCredit = 0
    var lastStats: Duration = .zero
    /// When the last line that had been welcomed was lost.
    var lineLostAt: Duration?
    var ticks = 0
    private var waiter: CheckedContinuation<ParticipantReport, Never>?

    package init(_ settings: ParticipantSettings, voice: PreparedVoice, on loop: any EventLoop) {
        self.loop = loop
        self.settings = settings
        self.voice = voice
        var chance = SeededChance(seed: settings.seed)
        let anyClient = String(chance.next(), radix: 36) + String(chance.next(), radix: 36)
        client = settings.client ?? anyClient
        let anySequence = UInt16.random(in: 0 ... .max, using: &chance)
        let anyTimestamp = UInt32.random(in: 0 ... .max, using: &chance)
        sequence = settings.firstSequence ?? anySequence
        firstTimestamp = settings.firstTimestamp ?? anyTimestamp
        token = settings.token
        report = ParticipantReport(session: settings.session)
        plan = TalkPlan(
            style: settings.style, lengths: voice.clips.map(\.frames.count), firstClip: settings.firstClip,
            seed: chance.next())
        self.chance = chance
        began = Self.uptime
        policy = RejoinPolicy(
            patience: settings.joinPatience, startingAt: .zero, hasOwnerAddress: settings.followsOwnerAddress)
    }

    private static var uptime: Duration { .nanoseconds(Int64(NIODeadline.now().uptimeNanoseconds)) }
    /// Since this participant was made.
    var now: Duration { Self.uptime - began }

    // MARK: Asked from outside

    /// Joins and returns when the conversation is over for this participant. Once.
    package func run() async -> ParticipantReport {
        guard case .idle = phase else { return report }
        open(viaOwner: false)
        scheduleTick()
        return await withCheckedContinuation { waiter = $0 }
    }

    /// The participant ends the interview.
    package func leave() {
        switch phase {
        case .live:
            phase = .leaving(since: now)
            say(.leave)
        case .leaving, .over: break
        case .idle, .opening, .greeting, .pausing: stop()
        }
    }

    /// The run is over: the line is closed 1001, the session is left to its rejoin window.
    package func stop() {
        let open = link
        finish(.stopped)
        open?.close(code: 1001)
    }

    /// Cuts the line, as a lost network does; the participant comes back by itself.
    package func cutLine() {
        guard let link else { return }
        // First the news, then the deed: the line's own end is no longer of interest.
        lost(policy.failed("cut", at: now, chance: roll()))
        link.abort()
    }

    /// Cuts the line and keeps the network away for `length`: no attempt before it. Also where no line is.
    package func cutLine(for length: Duration) {
        cutLine()
        guard case .pausing(let until, let viaOwner) = phase else { return }
        phase = .pausing(until: max(until, now + length), viaOwner: viaOwner)
    }

    package func mute(_ on: Bool) { mutedByHand = on }

    /// The report so far.
    package var progress: ParticipantReport {
        var copy = report
        copy.unanswered = plan.unanswered
        copy.underruns = playback.underruns
        copy.framesForgotten = memory.forgotten
        return copy
    }
    package var isLive: Bool { phase == .live }
    package var standing: (report: ParticipantReport, isLive: Bool) { (progress, isLive) }
    /// All planned speech has been captured and sent.
    package var hasSaidEverything: Bool { plan.isDone && memory.unsent == 0 }
    package var isHearing: Bool { playback.isPlaying }
    package var isSpeaking: Bool { plan.isSpeaking }
    /// Frames captured and still to be sent, or to be sent again.
    package var unsent: Int { memory.unsent }
    /// Capture time of the oldest frame that is not acknowledged.
    package var oldestKept: UInt32? { memory.oldest }
    /// Utterances of the agent that were announced so far.
    package var itemsAnnounced: Int { report.down.items.count }
    /// Since the first `welcome`; nil before it.
    package var sinceWelcome: Duration? { welcomedAt.map { now - $0 } }

    // MARK: The end

    func finish(_ outcome: ParticipantOutcome) {
        guard phase != .over else { return }
        phase = .over
        report.lasted = sinceWelcome
        link = nil
        attempt += 1
        report.outcome = outcome
        report = progress
        waiter?.resume(returning: report)
        waiter = nil
    }

    func roll() -> Double { Double.random(in: 0..<1, using: &chance) }
}
