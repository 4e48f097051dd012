/// The timers of one session, after configuration and study have been merged.
package struct LifecycleLimits: Equatable, Sendable {
    /// Without participant speech: at half of it the agent asks whether they are still there, at all of it the end.
    package var idle: Duration
    /// Active time over all owners, interruptions not counted.
    package var hardLimit: Duration
    /// How long before the hard limit the spoken wrap-up begins.
    package var wrapUp: Duration
    /// How long a participant may stay away.
    package var rejoin: Duration
    /// From `hello` (or from a lost provider) to a provider that is ready, over all attempts.
    package var providerPatience: Duration
    /// From the decision to end to the last word played.
    package var farewell: Duration
    /// A seat kept by admission whose connection has not said `hello`.
    package var seat: Duration

    package init(
        idle: Duration = .seconds(120), hardLimit: Duration = .seconds(2_700), wrapUp: Duration = .seconds(60),
        rejoin: Duration = .seconds(120), providerPatience: Duration = .seconds(60),
        farewell: Duration = .seconds(30), seat: Duration = .seconds(15)
    ) {
        self.idle = idle
        self.hardLimit = hardLimit
        self.wrapUp = wrapUp
        self.rejoin = rejoin
        self.providerPatience = providerPatience
        self.farewell = farewell
        self.seat = seat
    }
}
