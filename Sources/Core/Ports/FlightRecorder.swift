import InterviewCore

/// Remembers which session and step each loop has in hand, so that the next process can read what one died of. A trap
/// ends the process; the session that caused it would rejoin and end the next one.
package protocol FlightRecorder: Sendable {
    /// Of the loop with this index.
    func loop(_ index: Int) -> any FlightLoop
    /// A session takes its place on a loop. Any thread; a lock, no system call.
    func seated(_ id: SessionID, onLoop loop: Int) -> any FlightSeat
}

/// Called by the loop itself, on its thread.
package protocol FlightLoop: Sendable {
    /// The loop's thread has begun.
    func began()
    /// Nothing is in hand: before each piece of work that is not known to be a session's, and before sleeping.
    func cleared()
}

/// What a session notes. Each call is one store of eight bytes.
package protocol FlightSeat: Sendable {
    /// This session is in hand, on its loop. Returns what the loop had in hand before, for `leave`.
    func enter(_ step: FlightStep) -> FlightHand
    /// The loop has in hand what it had before.
    func leave(_ before: FlightHand)
    /// The session is over. Any thread; what is entered afterwards is nobody's.
    func left()
}

extension FlightSeat {
    /// Only for what does not suspend: after an `await` the loop has had other work in hand.
    @inline(__always)
    package func within<Result, Failure>(
        _ step: FlightStep, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let before = enter(step)
        defer { leave(before) }
        return try body()
    }
}

/// What of a session ran. The numbers stand in files that another version reads: never give one another meaning.
package enum FlightStep: UInt8, Sendable, Hashable, CaseIterable {
    case tick = 1
    /// Something arrived from the participant, or their line ended.
    case participant = 2
    /// Something arrived from the provider, or its connection ended.
    case provider = 3
    case timer = 4
    /// A call from the supervisor, the store or another actor.
    case mailbox = 5
    /// Seating, closing, taking over.
    case lifecycle = 6
}

/// A session and a step, as a word.
package struct FlightHand: Sendable, Hashable {
    package let word: UInt64
    package static let empty = FlightHand(word: 0)

    package init(word: UInt64) { self.word = word }
}

/// A session that a dead process had in hand when it died.
package struct FlightSuspect: Sendable, Hashable {
    package var session: SessionID
    /// Nil: of another version.
    package var step: FlightStep?
    package var instance: InstanceID

    package init(session: SessionID, step: FlightStep?, instance: InstanceID) {
        self.session = session
        self.step = step
        self.instance = instance
    }
}

/// Remembers nothing.
package struct NoFlightRecorder: FlightRecorder {
    package init() {}
    package func loop(_ index: Int) -> any FlightLoop { Blank() }
    package func seated(_ id: SessionID, onLoop loop: Int) -> any FlightSeat { Blank() }

    private struct Blank: FlightLoop, FlightSeat {
        func began() {}
        func cleared() {}
        func enter(_ step: FlightStep) -> FlightHand { .empty }
        func leave(_ before: FlightHand) {}
        func left() {}
    }
}
