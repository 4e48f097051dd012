/// What a process knows of its own lease, and whether it owes the store a look at its rows. Pure: answers come in as
/// past events, time is handed in, from a clock that counts the machine's sleep (CLOCK_BOOTTIME).
///
/// A lease is permission for others to take over, never permission to talk: an owner that cannot reach the store goes
/// on talking. While it is not confirmed the process may not admit, claim, move or reserve money.
///
/// The look (`SELECT` of all rows that name this process) is due from the moment others may have changed one, until one
/// has succeeded: whatever is in between is asked for again.
package struct Lease: Hashable, Sendable {
    /// How long after its renewal the store lets others take over.
    package let length: Duration
    /// Subtracted from it: what clocks and a slow answer may differ by.
    package static let margin: Duration = .seconds(1)

    private var confirmedUntil: Duration?
    private var changed: Int64?
    /// Grows with every reason for a look; a look covers those that had come when it began.
    private var reasons = 0
    private var covered = 0
    /// The value of `changed` that the last successful look began after: what the renewal tells the store.
    package private(set) var settled: Int64 = 0

    package init(length: Duration) { self.length = length }

    /// - Parameters:
    ///   - sentAt: before the statement left.
    ///   - changed: the store's counter: somebody has claimed, reaped or asked to close something of ours.
    ///   - hadLapsed: the lease was past when the renewal came.
    package mutating func renewed(sentAt: Duration, changed: Int64, hadLapsed: Bool) {
        confirmedUntil = max(confirmedUntil ?? sentAt, sentAt + length - Self.margin)
        // The first answer is that of a new process: nothing can be known of its rows before there are any.
        if let known = self.changed {
            if changed != known || hadLapsed { reasons += 1 }
        } else {
            settled = changed
        }
        self.changed = changed
    }

    /// Look, whatever the counter says: the process has slept, a token named a later owner, or a claim's answer was lost (it
    /// may have committed, and then a row names this process for nobody).
    package mutating func doubted() { reasons += 1 }

    package func isConfirmed(at now: Duration) -> Bool { confirmedUntil.map { now < $0 } ?? false }

    /// Nil: no look is due.
    package func dueLook() -> Look? {
        covered < reasons ? Look(reasons: reasons, changed: changed ?? 0) : nil
    }

    /// That look has succeeded.
    package mutating func looked(_ look: Look) {
        covered = max(covered, look.reasons)
        settled = max(settled, look.changed)
    }

    /// A look that has begun.
    package struct Look: Hashable, Sendable {
        fileprivate var reasons: Int
        fileprivate var changed: Int64
    }
}
