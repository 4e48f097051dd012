/// Comparison of numbers that wrap (RFC 1982): of two serial numbers the later one is the one that is reached by
/// counting up less than half the range. Exactly half the range apart, where the RFC leaves the answer open, the other
/// number counts as earlier.
package enum SerialNumber {
    /// How far `to` lies after `from`, negative when it lies before: -32,768 to 32,767.
    package static func distance(from: UInt16, to: UInt16) -> Int {
        Int(Int16(bitPattern: to &- from))
    }

    /// How far `to` lies after `from`, negative when it lies before: -2^31 to 2^31 - 1.
    package static func distance(from: UInt32, to: UInt32) -> Int64 {
        Int64(Int32(bitPattern: to &- from))
    }

    package static func isAfter(_ number: UInt16, _ other: UInt16) -> Bool { distance(from: other, to: number) > 0 }
    package static func isAfter(_ number: UInt32, _ other: UInt32) -> Bool { distance(from: other, to: number) > 0 }
}

/// Turns 32-bit timestamps, which wrap after a day of 48 kHz units and start anywhere, into positions that do not.
/// The first timestamp is position 0 + its own value, so the lower 32 bits of a position are always its timestamp.
package struct UnwrappedClock: Hashable, Sendable {
    /// The latest position told to `advance`; nil before the first.
    package private(set) var latest: Int64?

    package init() {}

    /// Where `timestamp` lies, seen from the latest position: up to half the range before or after it.
    package func position(of timestamp: UInt32) -> Int64 {
        guard let latest else { return Int64(timestamp) }
        return latest &+ SerialNumber.distance(from: UInt32(truncatingIfNeeded: latest), to: timestamp)
    }

    /// Position of `timestamp`; the latest position moves forward to it, never back.
    @discardableResult
    package mutating func advance(to timestamp: UInt32) -> Int64 {
        let position = position(of: timestamp)
        latest = max(latest ?? position, position)
        return position
    }

    /// The clock has been set back (or forth): the next timestamps are seen from `position`.
    package mutating func restart(at position: Int64) { latest = position }

    package static func timestamp(at position: Int64) -> UInt32 { UInt32(truncatingIfNeeded: position) }
}
