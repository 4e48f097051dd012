/// When which of the four phases is due. Nanoseconds of the loop's clock; pure, so that stalls can be tested.
package struct SlotClock: Sendable, Hashable {
    package static let phaseCount = 4
    /// Nanoseconds from one phase to the next.
    package static let slotLength: Int64 = 5_000_000

    /// When the next slot begins.
    package private(set) var next: Int64
    private var phase = 0

    package init(startingAt now: Int64) { next = now &+ Self.slotLength }

    /// The phases whose slots have begun, oldest first. After a stall each phase comes once, however long it was: who
    /// is paced by ticks catches up by what it owes, not by a burst of ticks.
    package mutating func advance(to now: Int64) -> [Int] {
        guard now >= next else { return [] }
        let elapsed = (now &- next) / Self.slotLength + 1
        let skipped = max(0, elapsed - Int64(Self.phaseCount))
        let due = (skipped..<elapsed).map { (phase + Int($0 % Int64(Self.phaseCount))) % Self.phaseCount }
        phase = (phase + Int(elapsed % Int64(Self.phaseCount))) % Self.phaseCount
        next &+= elapsed &* Self.slotLength
        return due
    }
}
