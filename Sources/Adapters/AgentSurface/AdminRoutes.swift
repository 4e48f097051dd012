import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Logging
import Ports
import WireFormats

/// The addresses of the admin socket, which `voicectl` speaks and curl can.
enum AdminRoutes {
    /// Bytes of a request's body; ours are under 300.
    static let longestBody = 4_096

    static func make(
        _ control: any Control, reload: (@Sendable () async -> ReloadReport)?, logger: Logger
    ) -> Routes {
        let routes = Routes(logger: logger)
        routes.at(AdminPath.status, [.get: { _, _ in try Answer.json(await control.status()) }])
        routes.at(
            AdminPath.sessions,
            [
                .get: { _, _ in
                    try Answer.json(SessionList(sessions: await control.sessions()))
                }
            ])
        routes.at(
            AdminPath.stuck,
            [.get: { _, _ in try Answer.json(try await stored { () throws(StoreError) in try await control.stuck() }) }]
        )
        routes.at(
            AdminPath.fleet,
            [.get: { _, _ in try Answer.json(try await stored { () throws(StoreError) in try await control.fleet() }) }]
        )
        routes.at(
            "\(AdminPath.sessions)/:id",
            [
                .get: { _, context in
                    guard let detail = await control.session(try sessionID(context)) else { throw unknown }
                    return try Answer.json(detail)
                }
            ])
        routes.at(
            AdminPath.cost, [.get: { _, _ in try Answer.json(CostList(sessions: await control.costs())) }])
        routes.at(
            "\(AdminPath.sessions)/:id/cost",
            [
                .get: { _, context in
                    guard let cost = await control.cost(of: try sessionID(context)) else { throw unknown }
                    return try Answer.json(cost)
                }
            ])
        routes.at(
            "\(AdminPath.sessions)/:id/close",
            [
                .post: { request, context in
                    try await close(request, sessionID(context), control)
                }
            ])
        routes.at(AdminPath.drain, [.post: { request, _ in try await drain(request, control) }])
        routes.at(
            AdminPath.reload,
            [
                .post: { _, _ in
                    guard let reload else {
                        throw APIError(409, "not_reloadable", "This process has no configuration to read again.")
                    }
                    return try Answer.json(await reload())
                }
            ])
        return routes
    }

    private static let unknown = APIError(
        404, "unknown_session", "No session of this process has this id. `voicectl sessions` lists them.")

    private static let nowhere = APIError(
        404, "unknown_session", "No session has this id. `voicectl sessions` lists those of this process.")

    /// The store is asked on the operator's behalf, and may be away.
    private static func stored<Value>(_ call: () async throws(StoreError) -> Value) async throws(APIError) -> Value {
        do { return try await call() } catch {
            throw APIError(503, "store_unavailable", "The store does not answer now. Try again.", retryAfter: 2)
        }
    }

    private static func sessionID(_ context: SurfaceContext) throws -> SessionID {
        guard let id = context.parameters.get("id").flatMap({ SessionID($0) }) else { throw unknown }
        return id
    }

    private static func close(_ request: Request, _ id: SessionID, _ control: any Control) async throws -> Response {
        let body = try await request.json(
            WireFormats.CloseRequest.self, limit: longestBody, missing: WireFormats.CloseRequest())
        if let detail = body.detail, detail.utf8.count > WireFormats.CloseRequest.longestDetail {
            throw APIError(
                400, "invalid_field", "detail is longer than \(WireFormats.CloseRequest.longestDetail) bytes.",
                field: "detail")
        }
        let outcome = try await stored { () throws(StoreError) in try await control.close(id, detail: body.detail) }
        switch outcome {
        case .closed: return try Answer.json(CloseAnswer(session: id, outcome: outcome))
        case .requested: return try Answer.json(CloseAnswer(session: id, outcome: outcome), status: 202)
        case .alreadyEnded: throw APIError(409, "already_ended", "This session has ended already.")
        case .unknown: throw nowhere
        }
    }

    private static func drain(_ request: Request, _ control: any Control) async throws -> Response {
        let body = try await request.json(DrainRequest.self, limit: longestBody, missing: DrainRequest())
        if let seconds = body.timeoutSeconds, !(0...DrainRequest.longestTimeout).contains(seconds) {
            throw APIError(
                400, "invalid_field",
                "timeout_s is out of range: write seconds from 0 to \(DrainRequest.longestTimeout).",
                field: "timeout_s")
        }
        return try Answer.json(await control.drain(timeout: body.timeoutSeconds.map { .seconds($0) }))
    }
}
