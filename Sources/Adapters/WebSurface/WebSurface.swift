import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Logging
import Ports
import ServiceLifecycle
import WireFormats

/// REST, the participant's page and, in `voiced dev`, a start page. Needs only the store and the token authority:
/// it runs in the daemon's process or in one of its own, where a leak could never reach a conversation.
package struct WebSurface: Service {
    private let listener: HTTPListener

    /// `settings.publicURL` nil works with a port that is not known before it is bound.
    package init(settings: WebSettings, store: any Store, tokens: any TokenAuthority, logger: Logger) {
        let base = PublicBase(settings.publicURL)
        let routes = Routes(logger: logger)
        let files = PageFiles(folder: settings.pageFolder)
        routes.at("/livez", [.get: { _, _ in Answer.text("ok\n") }])
        PageRoutes(files: files, offersStart: settings.open).add(to: routes)
        JoinRoutes(store: store, tokens: tokens, mediaURL: settings.mediaURL).add(to: routes)
        let door = Door(settings: settings)
        SessionRoutes(door: door, store: store, tokens: tokens, settings: settings, base: base).add(to: routes)
        StudyRoutes(door: door, store: store).add(to: routes)
        var limits = HTTPListener.Limits()
        limits.connections = 2_048
        listener = HTTPListener(
            .tcp(host: settings.host, port: settings.port), setting: "web.port", routes: routes, limits: limits,
            logger: logger)
        base.listen(host: settings.host, listener)
    }

    package func run() async throws { try await listener.run() }

    /// The bound port; waits for `run()`, throws what kept it from binding.
    package func port() async throws(ListenError) -> Int { try await listener.port() }
}
