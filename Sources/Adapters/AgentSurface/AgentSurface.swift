import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Logging
import Ports

/// The daemon's own HTTP: probes, metrics and the admin socket. Each is a listener of its own, because each has its own
/// audience: the orchestrator, Prometheus, the operator on this machine. Knows nothing but `Control`.
package enum AgentSurface {
    /// `GET /livez`, `/readyz`, `/health`.
    ///
    /// `/readyz` is 503 only while starting or draining: a full process, or one whose store or provider is away,
    /// stays in the load balancer, because rejoins must still reach it; it says `accepting_new: false` instead.
    /// `/livez` stays 200 while draining, or the orchestrator would kill the calls that are being finished.
    package static func probes(host: String, port: Int, control: any Control, logger: Logger) -> HTTPListener {
        let routes = Routes(logger: logger)
        routes.at(
            "/livez",
            [
                .get: { _, _ in
                    await control.isAlive()
                        ? Answer.text("ok\n") : Answer.text("a loop is stuck\n", status: 503)
                }
            ])
        routes.at(
            "/readyz",
            [
                .get: { _, _ in
                    let health = await control.health()
                    return try Answer.json(health, status: health.isReady ? 200 : 503)
                }
            ])
        routes.at("/health", [.get: { _, _ in try Answer.json(await control.health()) }])
        return HTTPListener(
            .tcp(host: host, port: port), setting: "agent.port", routes: routes, limits: limits, logger: logger)
    }

    /// `GET /metrics` in the Prometheus text format.
    package static func metrics(host: String, port: Int, control: any Control, logger: Logger) -> HTTPListener {
        let routes = Routes(logger: logger)
        routes.at(
            "/metrics",
            [
                .get: { _, _ in
                    // The version belongs to the format: without it Prometheus 3 refuses the page.
                    Answer.text(await control.metricsPage(), type: "text/plain; version=0.0.4; charset=utf-8")
                }
            ])
        return HTTPListener(
            .tcp(host: host, port: port), setting: "metrics.port", routes: routes, limits: limits, logger: logger)
    }

    /// HTTP and JSON over a Unix socket of mode 0600: who may open the file may do everything.
    /// `reload`: reads the configuration again; nil where there is none to read.
    package static func admin(
        socket path: String, control: any Control, reload: (@Sendable () async -> ReloadReport)? = nil, logger: Logger
    ) -> HTTPListener {
        HTTPListener(
            .unix(path: path), setting: "admin.socket",
            routes: AdminRoutes.make(control, reload: reload, logger: logger), limits: limits, logger: logger)
    }

    /// Probes, scrapes and one operator: few connections, small heads.
    private static var limits: HTTPListener.Limits {
        var limits = HTTPListener.Limits()
        limits.connections = 128
        return limits
    }
}

extension HealthReport {
    /// Whether new connections should be sent here. Only two things say no.
    var isReady: Bool { !draining && status != "starting" && !reasons.contains("starting") }
}
