import GRDB
import InterviewCore
import Ports

/// The store's clock, in this one place: SQLite's own, so that two processes on one file and the statements that
/// compare times all mean the same. It is the host's wall clock and may be set; nothing but rows is measured by it.
enum StoreClock {
    /// Milliseconds since 1970. Debian's SQLite (3.40) has no `unixepoch('subsec')`, which came with 3.42. A Julian
    /// day is a double with a step of 40 µs at our dates, and SQLite counts whole milliseconds behind it, so rounding
    /// gives exactly those.
    private static let now = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"

    static func now(_ database: Database) throws -> StoreTime {
        let statement = try database.cachedStatement(sql: now)
        guard let milliseconds = try Int64.fetchOne(statement) else {
            throw StoreError.corrupt(code: "clock")
        }
        return StoreTime(milliseconds: milliseconds)
    }
}

extension Duration {
    /// Rounded down, saturating.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, tooMuch) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return tooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}

extension StoreTime {
    /// Saturating: a window of many years ends in the far future, not in a trap.
    func advanced(by duration: Duration) -> StoreTime {
        let step = duration.wholeMilliseconds
        let (sum, overflow) = milliseconds.addingReportingOverflow(step)
        return StoreTime(milliseconds: overflow ? (step < 0 ? .min : .max) : sum)
    }
}
