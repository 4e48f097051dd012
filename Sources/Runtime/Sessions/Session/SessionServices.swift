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
    /// p99 of how late a loop turned, and how long ago it last did.
    package var loopLag: @Sendable (any SessionLoop) -> Duration
    package var loopStillness: @Sendable (any SessionLoop) -> Duration

    package init(
        store: any Store, tokens: any TokenAuthority, codecs: any AudioCodecs, provider: any ProviderFactory,
        recorders: any RecorderFactory, prices: PriceBook, metrics: MetricsRegistry,
        loopLag: @escaping @Sendable (any SessionLoop) -> Duration,
        loopStillness: @escaping @Sendable (any SessionLoop) -> Duration
    ) {
        self.store = store
        self.tokens = tokens
        self.codecs = codecs
        self.provider = provider
        self.recorders = recorders
        self.prices = prices
        self.metrics = metrics
        self.loopLag = loopLag
        self.loopStillness = loopStillness
    }
}

/// The supervisor, as a session sees it.
package protocol SessionKeeper: AnyObject, Sendable {
    /// Everything of the session is written and closed; the last call.
    func sessionEnded(_ id: SessionID, _ session: VoiceSession) async
}
