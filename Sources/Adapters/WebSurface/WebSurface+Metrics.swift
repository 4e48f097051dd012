import HTTPServing
import HTTPTypes
import Hummingbird
import Logging
import Ports

extension WebSurface {
    /// `GET /metrics` in the Prometheus text format, on a listener of its own: Prometheus is no researcher, and a study's
    /// money is nobody's business at the public address. `page` may ask the store; when it does not answer, the scrape
    /// fails, and that is what Prometheus then shows.
    package static func metrics(
        host: String, port: Int, logger: Logger, page: @escaping @Sendable () async throws(StoreError) -> String
    ) -> HTTPListener {
        let routes = Routes(logger: logger)
        routes.at(
            "/metrics",
            [
                .get: { _, _ in
                    let text = try await stored { () throws(StoreError) in try await page() }
                    return Answer.text(text, type: "text/plain; version=0.0.4; charset=utf-8")
                }
            ])
        var limits = HTTPListener.Limits()
        limits.connections = 32
        return HTTPListener(
            .tcp(host: host, port: port), setting: "web.metrics_port", routes: routes, limits: limits, logger: logger)
    }
}
