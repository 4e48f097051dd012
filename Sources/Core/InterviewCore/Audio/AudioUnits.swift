/// Time in the 48 kHz units that all our wires, positions and recordings count in, whatever rate the sound has.
package enum AudioUnits {
    package static let perSecond: Int64 = 48_000
    package static let perMillisecond: Int64 = 48
    /// 20 ms: every packet of the agent, and of our own encoder.
    package static let perFrame: Int64 = 960
    /// 2.5 ms, the shortest Opus frame: silence and concealment come in multiples of it, so that they are whole
    /// samples at every rate we decode to.
    package static let grain: Int64 = 120

    /// Whole units in `duration`, rounded down; clamped to what fits (about 6 million years).
    package static func units(in duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: perSecond)
        guard !overflow else { return seconds < 0 ? .min / 2 : .max / 2 }
        // 1 unit = 20,833,333,333,333.3 attoseconds: nanoseconds keep the product inside 64 bits.
        let nanoseconds = attoseconds / 1_000_000_000
        let product = nanoseconds * perSecond
        let part = product >= 0 ? product / 1_000_000_000 : (product - 999_999_999) / 1_000_000_000
        return whole &+ part
    }

    /// The shortest duration that is at least `units` in whole nanoseconds, so that `units(in:)` gives `units` back.
    package static func duration(of units: Int64) -> Duration {
        let seconds = units / perSecond
        let rest = units % perSecond * 1_000_000_000
        return .seconds(seconds) + .nanoseconds((rest + (rest > 0 ? perSecond - 1 : 0)) / perSecond)
    }

    /// `units` without what is less than a grain.
    static func wholeGrains(_ units: Int64) -> Int64 { units - units % grain }
}
