import HTTPServing
import InterviewCore
import Logging
import Ports
import ServiceLifecycle
import SessionTokens
import Settings
import WebSurface

/// REST and the participant's page, alone in a process or beside a daemon in `voiced dev`.
package final class WebProgram: Sendable {
    private let group: ServiceGroup
    private let running: Task<Void, any Error>
    package let port: Int
    /// Where `/metrics` is.
    package let metricsPort: Int

    /// `open`: REST without a key, and a start page; `voiced dev` only. `mediaURL`: what `media_url` says.
    package init(_ foundations: Foundations, mediaURL: String, open: Bool) async throws(AssemblyError) {
        let configuration = foundations.configuration
        let keys = foundations.apiKeys
        if !open, keys == nil {
            throw .secrets("VOICED_API_KEYS is not set: without keys nobody could create a session")
        }
        let surface = WebSurface(
            settings: WebSettings(
                host: configuration.web.host, port: configuration.web.port, publicURL: configuration.web.publicURL,
                mediaURL: mediaURL, open: open, authorize: { keys?.scopes(for: $0) },
                noShow: configuration.limits.noShow,
                hardLimit: configuration.limits.hard, rejoinWindow: configuration.limits.rejoin),
            store: foundations.store, tokens: foundations.tokens, logger: foundations.log)
        let money = StudyMetrics(store: foundations.store)
        let metrics = WebSurface.metrics(
            host: configuration.web.host, port: configuration.web.metricsPort, logger: foundations.log
        ) { () throws(StoreError) in try await money.page() }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: surface), .init(service: metrics)], logger: Daemon.quiet(foundations.log)))
        self.group = group
        running = Task { try await group.run() }
        do {
            port = try await surface.port()
            metricsPort = try await metrics.port()
        } catch { throw .listening("\(error)") }
    }

    /// Requests in flight are finished.
    package func stop() async {
        await group.triggerGracefulShutdown()
        _ = await running.result
    }
}
