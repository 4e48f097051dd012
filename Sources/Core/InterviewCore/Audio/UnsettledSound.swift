/// The participant's sound that a provider was given and that would be lost with its connection: turns that are neither
/// text nor answered yet, and the last moment of quiet, in which a turn may have begun that was not reported yet.
/// Positions count the samples that this connection was given, as the provider's VAD does.
package struct UnsettledSound: Equatable, Sendable {
    /// Kept while no turn is open: a VAD's padding and the time until it reports a turn.
    package static let longestQuiet: Duration = .seconds(2)
    /// Of a longer turn the end is kept.
    package static let longestTurn: Duration = .seconds(30)
    /// Sound that was given again is kept so much longer for its turn to be found in it.
    static let findingTime: Duration = .seconds(3)
    /// Sound is forgotten a quarter of a second at a time.
    static let piecesPerSecond = 4
    /// More turns than this are never open; the oldest counts as settled.
    static let mostTurns = 8

    private struct Turn: Equatable, Sendable {
        var key: String
        var start: Int
        /// Nil while it is spoken.
        var end: Int?
    }

    private let rate: Int
    private var samples: KeptSamples
    /// Position of the first sample kept.
    private var base = 0
    private var turns: [Turn] = []
    /// Up to here nothing needs to be given again.
    private var settled = 0
    /// Until this position all that was given again is kept.
    private var findingUntil = 0

    /// - Parameter rate: samples a second.
    package init(rate: Int) {
        self.rate = rate
        samples = KeptSamples(pieceLength: rate / Self.piecesPerSecond)
    }

    private var position: Int { base + samples.count }
    /// The turns in it, by the provider's item id, in their order.
    package var openTurns: [String] { turns.map(\.key) }

    // MARK: Sound

    /// A new connection was given `sound` before anything else.
    package mutating func opened(with sound: [Int16]) {
        self = UnsettledSound(rate: rate)
        sound.withUnsafeBufferPointer { samples.append($0) }
        if !sound.isEmpty { findingUntil = sound.count + count(Self.findingTime) }
    }

    package mutating func gave(_ sound: ArraySlice<Int16>) {
        sound.withUnsafeBufferPointer { samples.append($0) }
        // Not worth looking more often than pieces become due.
        let step = rate / Self.piecesPerSecond
        guard position / step != (position - sound.count) / step else { return }
        base += samples.forget(atMost: first - base)
    }

    /// The connection is gone: what the next one has to be given.
    package mutating func taken() -> [Int16] {
        let sound = samples.all(after: first - base)
        self = UnsettledSound(rate: rate)
        return sound
    }

    /// Position of the first sample that is needed.
    private var first: Int {
        var first = max(settled, position - count(Self.longestQuiet))
        if let turn = turns.first { first = min(first, turn.start) }
        if position < findingUntil { first = 0 }
        return max(first, position - count(Self.longestTurn), base)
    }

    private func count(_ length: Duration) -> Int { Int(length / .milliseconds(1)) * rate / 1_000 }

    /// What a provider says may be anything.
    private func place(_ milliseconds: Int) -> Int {
        min(min(max(milliseconds, 0), 86_400_000) * rate / 1_000, position)
    }

    // MARK: Turns

    package mutating func turnBegan(_ key: String, at milliseconds: Int) {
        guard !turns.contains(where: { $0.key == key }) else { return }
        findingUntil = 0
        if turns.count == Self.mostTurns { turns.removeFirst() }
        turns.append(Turn(key: key, start: place(milliseconds)))
    }

    package mutating func turnEnded(_ key: String, at milliseconds: Int) {
        guard let index = turns.firstIndex(where: { $0.key == key }) else { return }
        turns[index].end = place(milliseconds)
    }

    /// Its text is there, or will never be.
    package mutating func turnSettled(_ key: String) {
        guard let index = turns.firstIndex(where: { $0.key == key }) else { return }
        let turn = turns.remove(at: index)
        settled = max(settled, turn.end ?? turn.start)
    }

    /// The agent has answered every turn that has ended.
    package mutating func answered() {
        for turn in turns where turn.end != nil { turnSettled(turn.key) }
    }
}
