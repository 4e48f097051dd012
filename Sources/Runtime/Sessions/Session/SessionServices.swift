import InterviewCore
import Logging
import Ports

/// Everything that conversations share, as ports: made once by Assembly.
package struct SessionServices: Sendable {
    package var store: any Store
    package var tokens: any TokenAuthority
    package var codecs: any AudioCodecs
    package var provider: any ProviderFactory
    package var recorders: any RecorderFactory
    package var prices: PriceBook
    package var metrics: MetricsRegistry
    /// Where records wait while the store is away.
    package var spool: SpoolSettling
    /// Asks other processes about their sessions.
    package var owners: any OwnerInquiry
    /// A clock that counts the machine's sleep, for the lease: what has passed for the others has passed for us.
    package var leaseClock: @Sendable () -> Duration
    /// Remembers what each loop has in hand, for the process after a trap.
    package var flight: any FlightRecorder
    /// What the store's connections do; nil: it has none of its own.
    package var storePool: @Sendable () -> StorePool?
    /// How late a loop turned in the last ten seconds, and how long ago it last did.
    package var loopTiming: @Sendable (any SessionLoop) -> SeatPolicy.LoopTiming
    /// Share of the memory that this process may use which is in use, 0…1; nil: not known.
    package var memoryShare: @Sendable () -> Double?

    package init(
        store: any Store, tokens: any TokenAuthority, codecs: any AudioCodecs, provider: any ProviderFactory,
        recorders: any RecorderFactory, prices: PriceBook, metrics: MetricsRegistry, spool: SpoolSettling,
        owners: any OwnerInquiry, leaseClock: @escaping @Sendable () -> Duration,
        flight: any FlightRecorder = NoFlightRecorder(), storePool: @escaping @Sendable () -> StorePool? = { nil },
        loopTiming: @escaping @Sendable (any SessionLoop) -> SeatPolicy.LoopTiming,
        memoryShare: @escaping @Sendable () -> Double?
    ) {
        self.store = store
        self.tokens = tokens
        self.codecs = codecs
        self.provider = provider
        self.recorders = recorders
        self.prices = prices
        self.metrics = metrics
        self.spool = spool
        self.owners = owners
        self.leaseClock = leaseClock
        self.flight = flight
        self.storePool = storePool
        self.loopTiming = loopTiming
        self.memoryShare = memoryShare
    }
}

/// The supervisor, as a session sees it.
package protocol SessionKeeper: AnyObject, Sendable {
    /// Everything of the session is written and closed; the last call.
    func sessionEnded(_ id: SessionID, _ session: VoiceSession) async
    /// A fault of ours in this session: may it be begun anew from its journal?
    func sessionFailed(_ id: SessionID, _ session: VoiceSession) async -> RestartPolicy.OnFailed
    /// Only then may a row be claimed or money be reserved.
    nonisolated var leaseIsConfirmed: Bool { get }
    /// A row may be other than we believe (a claim whose answer was lost may have committed): all of ours are looked at.
    nonisolated func doubtOwnership()
}
