/// Decides whether this process takes one more conversation, and on which loop. A value: who measures hands the
/// measurements in.
///
/// Newcomers are refused while the process has as many conversations as they may have, while no loop keeps time, or
/// while memory runs out. Who was in already (a rejoin after a restart, a move) is refused only when the very last
/// seat is taken: a conversation that exists is worth more than one that may begin elsewhere.
package struct SeatPolicy: Hashable, Sendable {
    /// Conversations at a time on one loop.
    package var seatsPerLoop: Int
    package var loops: Int
    /// Percent of all seats that newcomers leave free for rejoins, rounded down.
    package var keptPercent: Int
    /// A loop that turns later than this (p99 of the measurement's window) gets no newcomer.
    package var lagLimit: Duration
    /// Above this percentage of the memory that the process may use nobody new is taken.
    package var memoryPercent: Int

    /// Fewer samples of lateness prove nothing: one hiccup of an idle loop would be its p99 for the whole window. A loop
    /// that carries conversations takes 200 a second.
    package static let leastSamples = 500
    /// A loop that has not turned for so long is late now, whatever its samples say; a healthy one turns every 100 ms.
    package static let stillLimit: Duration = .milliseconds(250)

    package init(
        seatsPerLoop: Int, loops: Int = 1, keptPercent: Int = 10, lagLimit: Duration = .milliseconds(20),
        memoryPercent: Int = 85
    ) {
        self.seatsPerLoop = seatsPerLoop
        self.loops = loops
        self.keptPercent = keptPercent
        self.lagLimit = lagLimit
        self.memoryPercent = memoryPercent
    }

    /// All conversations that may run at once, rejoins included.
    package var capacity: Int { seatsPerLoop * loops }
    /// Conversations up to which newcomers are taken.
    package var seatsForNewcomers: Int { capacity - capacity * keptPercent / 100 }

    package enum Arrival: Hashable, Sendable, CaseIterable {
        case newcomer
        /// The conversation has begun before, here or elsewhere.
        case returning
    }

    /// How one loop keeps time.
    package struct LoopTiming: Hashable, Sendable {
        package var lagP99: Duration
        /// Measurements that the figure rests on.
        package var samples: Int
        /// Since the loop turned last.
        package var still: Duration

        package init(lagP99: Duration = .zero, samples: Int = 0, still: Duration = .zero) {
            self.lagP99 = lagP99
            self.samples = samples
            self.still = still
        }
    }

    /// What was measured, and what is seated or about to be.
    package struct Load: Hashable, Sendable {
        /// Conversations on each loop, in the loops' order.
        package var seated: [Int]
        package var timings: [LoopTiming]
        /// Share of the memory that this process may use which is in use, 0…1; nil: not known, not judged.
        package var memoryShare: Double?

        package init(seated: [Int], timings: [LoopTiming], memoryShare: Double? = nil) {
            self.seated = seated
            self.timings = timings
            self.memoryShare = memoryShare
        }
    }

    /// Why nobody new is taken; the words of `/health` and of the refusal.
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case full
        case loopLag = "loop_lag"
        case memory
    }

    package enum OnArrival: Hashable, Sendable {
        /// Index of the loop.
        case seat(loop: Int)
        case refuse(Reason)
    }

    package func arrived(_ arrival: Arrival, at load: Load) -> OnArrival {
        let open = load.seated.indices.filter { load.seated[$0] < seatsPerLoop }
        let emptiest = open.min { load.seated[$0] < load.seated[$1] }
        let punctual = open.filter { isPunctual($0, load) }.min { load.seated[$0] < load.seated[$1] }
        switch arrival {
        case .returning:
            guard let loop = punctual ?? emptiest else { return .refuse(.full) }
            return .seat(loop: loop)
        case .newcomer:
            if let reason = reasons(at: load).first { return .refuse(reason) }
            // All that keep time may be taken although others, which do not, have room.
            guard let punctual else { return .refuse(.loopLag) }
            return .seat(loop: punctual)
        }
    }

    /// Why a newcomer would be refused now, the most lasting first; empty: it would not.
    package func reasons(at load: Load) -> [Reason] {
        var reasons: [Reason] = []
        if load.seated.reduce(0, +) >= seatsForNewcomers { reasons.append(.full) }
        if let share = load.memoryShare, share * 100 > Double(memoryPercent) { reasons.append(.memory) }
        let open = load.seated.indices.filter { load.seated[$0] < seatsPerLoop }
        if !load.seated.isEmpty, !open.isEmpty, !open.contains(where: { isPunctual($0, load) }) {
            reasons.append(.loopLag)
        }
        return reasons
    }

    private func isPunctual(_ loop: Int, _ load: Load) -> Bool {
        guard load.timings.indices.contains(loop) else { return true }
        let timing = load.timings[loop]
        if timing.still > Self.stillLimit { return false }
        return timing.samples < Self.leastSamples || timing.lagP99 <= lagLimit
    }
}
