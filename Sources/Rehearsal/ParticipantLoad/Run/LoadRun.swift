import Foundation
import InterviewCore
import NIOCore
import NIOPosix

/// Runs many participants for a while and adds up what they went through.
package actor LoadRun {
    package struct Progress: Sendable {
        package var elapsed: Duration = .zero
        package var live = 0
        package var joined = 0
        package var failed = 0
        package var framesUp = 0
        package var framesDown = 0
        package var lateP99 = 0
    }

    private let plan: LoadPlan
    private let voice: PreparedVoice
    private let group: MultiThreadedEventLoopGroup
    private let clock = ContinuousClock()
    private var tally = LoadTally()
    private var running: [Int: Participant] = [:]
    private var made = 0
    /// Conversations that were begun, or could not be.
    private var begun = 0
    private var tickets: [JoinTicket] = []
    private var stopping = false
    /// Everybody is gone: nobody may be asked any more, their loops are about to end.
    private var over = false
    private var startedAt: ContinuousClock.Instant?
    private var sleepers: [Int: Task<Void, any Error>] = [:]
    private var nextSleeper = 0
    private var chance: SeededChance

    package init(_ plan: LoadPlan, voice: PreparedVoice) {
        self.plan = plan
        self.voice = voice
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, plan.threads))
        chance = SeededChance(seed: plan.seed)
        if case .tickets(let tickets) = plan.source { self.tickets = tickets.reversed() }
    }

    /// Returns when everybody is gone.
    package func run(thresholds: LoadThresholds = LoadThresholds()) async -> LoadSummary {
        let start = clock.now
        startedAt = start
        await withTaskGroup(of: Void.self) { places in
            for place in 0..<plan.sessions {
                places.addTask { await self.keepPlace(place, from: start) }
            }
        }
        over = true
        let summary = tally.summary(after: clock.now - start, thresholds: thresholds)
        try? await group.shutdownGracefully()
        return summary
    }

    /// Ends the run early and politely: everybody says goodbye, the report is of what was.
    package func stop() {
        stopping = true
        for sleeper in sleepers.values { sleeper.cancel() }
    }

    package func progress() async -> Progress {
        var now = Progress()
        now.elapsed = startedAt.map { clock.now - $0 } ?? .zero
        let past = tally.summary(after: now.elapsed, thresholds: LoadThresholds())
        now.joined = past.joined
        now.failed = past.failed
        now.framesUp = past.framesUp
        now.framesDown = past.framesDown
        var late = MillisecondHistogram()
        for participant in Array(running.values) {
            if over { break }
            let (report, isLive) = await participant.standing
            if report.connections > 0 { now.joined += 1 }
            if isLive { now.live += 1 }
            now.framesUp += report.framesSent
            now.framesDown += report.down.frames
            late.add(report.down.lateness)
        }
        now.lateP99 = late.percentile(0.99)
        return now
    }

    // MARK: One place

    /// One of the places that are taken at the same time; with churn, by one participant after the other.
    private func keepPlace(_ place: Int, from start: ContinuousClock.Instant) async {
        let end = start + plan.duration
        let share = Double(place) / Double(max(1, plan.sessions))
        await sleep(until: min(end, start + plan.ramp * share))
        while !stopping, clock.now < end {
            guard hasMore else { return }
            let leaveAt = plan.churn.map { min(end, clock.now + $0) } ?? end
            var talked = false
            if let ticket = await nextTicket(), !stopping { talked = await converse(ticket, until: leaveAt) }
            guard plan.churn != nil, hasMore else { return }
            // A service that turns people away is not asked in a tight loop.
            if !talked { await sleep(until: clock.now + .seconds(1)) }
        }
    }

    private var hasMore: Bool {
        if let total = plan.total, begun >= total { return false }
        switch plan.source {
        case .create: return true
        case .tickets: return !tickets.isEmpty
        }
    }

    /// Nil when there is nothing to join, or none could be created.
    private func nextTicket() async -> JoinTicket? {
        begun += 1
        switch plan.source {
        case .tickets:
            guard let ticket = tickets.popLast() else { return nil }
            tally.wanted()
            return ticket
        case .create(let web, let study, let key):
            tally.wanted()
            let sessions = SessionsClient(web: web, apiKey: key, group: group)
            do {
                return try await sessions.create(study: study, participant: "load-\(made + 1)")
            } catch {
                tally.failed(error)
                return nil
            }
        }
    }

    /// True when the participant got in.
    private func converse(_ ticket: JoinTicket, until end: ContinuousClock.Instant) async -> Bool {
        let number = made
        made += 1
        var settings = ParticipantSettings(
            session: ticket.id, token: ticket.token,
            address: plan.addresses.isEmpty ? ticket.media : plan.addresses[number % plan.addresses.count],
            up: plan.codec, down: plan.codec, style: plan.style, seed: chance.next())
        settings.firstClip = number
        settings.joinPatience = plan.joinPatience
        settings.tokenInHeader = number.isMultiple(of: 2)
        settings.followsOwnerAddress = plan.addresses.isEmpty
        let participant = Participant(settings, voice: voice, on: group.next())
        running[number] = participant
        let ending = Task { await self.see(participant, until: end) }
        let report = await participant.run()
        ending.cancel()
        running[number] = nil
        tally.add(report)
        return report.connections > 0
    }

    /// Cuts lines now and then, and says goodbye at the end.
    private func see(_ participant: Participant, until end: ContinuousClock.Instant) async {
        while let every = plan.cutEvery, !stopping, !Task.isCancelled {
            // Exponential pauses around the mean, so that cuts fall anywhere in a conversation.
            let pause = -log(Double.random(in: .ulpOfOne..<1, using: &chance))
            let next = clock.now + every * pause
            guard next < end else { break }
            await sleep(until: next)
            guard !stopping, !Task.isCancelled else { break }
            let away = plan.cutFor
            let factor = Double.random(in: 0...1, using: &chance)
            await participant.cutLine(for: away.lowerBound + (away.upperBound - away.lowerBound) * factor)
        }
        await sleep(until: end)
        if Task.isCancelled { return }
        if plan.leaves { await participant.leave() } else { await participant.stop() }
    }

    /// Returns at `instant`, or when the run is stopped or the task is cancelled.
    private func sleep(until instant: ContinuousClock.Instant) async {
        guard !stopping, clock.now < instant else { return }
        let key = nextSleeper
        nextSleeper += 1
        let task = Task { try await Task.sleep(until: instant, clock: .continuous) }
        sleepers[key] = task
        await withTaskCancellationHandler {
            _ = await task.result
        } onCancel: {
            task.cancel()
        }
        sleepers[key] = nil
    }
}
