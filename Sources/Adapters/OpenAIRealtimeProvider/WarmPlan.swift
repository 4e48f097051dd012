/// Decides how many connections one loop keeps ready, and when one is opened, pinged or replaced. Pure: numbers stand for
/// connections, `WarmPool` holds them. Connections that are opening count like those that are ready, so that there are
/// never more than `share`; a provider that refuses is asked again after growing waits.
package struct WarmPlan: Equatable, Sendable {
    /// Waits after attempts that failed, or connections that died; the last one repeats.
    package static let waits: [Duration] = [
        .seconds(1), .seconds(2), .seconds(5), .seconds(10), .seconds(30), .seconds(60),
    ]
    /// A connection that lives so long ends a row of failures.
    package static let soundAfter: Duration = .seconds(30)
    /// How often each is asked for a sign of life.
    package static let pingEvery: Duration = .seconds(10)

    private enum State: Equatable, Sendable {
        /// Leaves to `ready`, or is forgotten when it fails.
        case opening
        /// Until it is taken, too old, or dead.
        case ready(since: Duration, until: Duration, pingedAt: Duration)
    }

    package let share: Int
    private var connections: [Int: State] = [:]
    private var next = 0
    private var failures = 0
    private var notBefore: Duration = .zero
    private var isClosed = false

    package init(share: Int) { self.share = max(share, 0) }

    /// Ready at this moment.
    package var readyCount: Int {
        connections.values.count { if case .ready = $0 { true } else { false } }
    }
    package var count: Int { connections.count }

    package enum Step: Equatable, Sendable {
        case open(Int)
        case ping(Int)
        /// Too old.
        case close(Int)
    }

    package mutating func looked(at now: Duration) -> [Step] {
        guard !isClosed else { return [] }
        var steps: [Step] = []
        for (number, state) in connections.sorted(by: { $0.key < $1.key }) {
            guard case .ready(let since, let until, let pingedAt) = state else { continue }
            if now - since >= Self.soundAfter { failures = 0 }
            if now >= until {
                connections[number] = nil
                steps.append(.close(number))
            } else if now - pingedAt >= Self.pingEvery {
                connections[number] = .ready(since: since, until: until, pingedAt: now)
                steps.append(.ping(number))
            }
        }
        while connections.count < share, now >= notBefore {
            connections[next] = .opening
            steps.append(.open(next))
            next += 1
        }
        return steps
    }

    /// The server has greeted it.
    package mutating func opened(_ number: Int, lifetime: Duration, at now: Duration) {
        guard connections[number] != nil else { return }
        connections[number] = .ready(since: now, until: now + lifetime, pingedAt: now)
    }

    /// It could not be opened, or ended before anybody needed it. Several that die together are one failure.
    package mutating func died(_ number: Int, at now: Duration) {
        guard connections.removeValue(forKey: number) != nil, now >= notBefore else { return }
        notBefore = now + Self.waits[min(failures, Self.waits.count - 1)]
        failures += 1
    }

    /// The youngest one that is ready: the nearest to a fresh one. Nil: the session opens its own.
    package mutating func take(at now: Duration) -> Int? {
        var youngest: (number: Int, since: Duration)?
        for case (let number, .ready(let since, let until, _)) in connections where now < until {
            if let found = youngest, found.since > since || (found.since == since && found.number > number) { continue }
            youngest = (number, since)
        }
        guard let number = youngest?.number else { return nil }
        connections[number] = nil
        return number
    }

    /// - Returns: those to be closed. Nothing is opened any more.
    package mutating func close() -> [Int] {
        isClosed = true
        defer { connections.removeAll() }
        return connections.keys.sorted()
    }
}
