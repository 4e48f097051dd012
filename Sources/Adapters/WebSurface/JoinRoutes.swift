import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Ports
import WireFormats

/// `GET /v1/join/{id}`: what the page needs to know before the microphone check. Its only key is the join token, which
/// the page keeps in the URL's fragment and sends as a header; it never stands in a path or a log.
struct JoinRoutes: Sendable {
    let store: any Store
    let tokens: any TokenAuthority
    let mediaURL: String

    func add(to routes: Routes) {
        routes.at("/v1/join/:id", [.get: { request, context in try await join(request, context) }])
    }

    private func join(_ request: Request, _ context: SurfaceContext) async throws -> Response {
        guard let id = context.parameters.get("id").flatMap({ SessionID($0) }) else {
            throw APIError(
                404, "unknown_session", "There is no such session. Open the link exactly as you received it.")
        }
        try await check(request, id)
        guard let record = try await stored({ () throws(StoreError) in try await store.session(id) }) else {
            throw APIError(404, "unknown_session", "There is no such session. Ask whoever sent you the link.")
        }
        guard record.state != .ended else {
            throw APIError(410, "ended", "This interview is over. Thank you for taking part.")
        }
        guard let study = try await stored({ () throws(StoreError) in try await store.study(record.study) }) else {
            throw APIError(404, "unknown_study", "The study of this session is gone. Ask whoever sent you the link.")
        }
        return try Answer.json(
            JoinDocument(
                session: id, mediaURL: mediaURL, studyName: study.name, language: study.language, state: record.state))
    }

    private func check(_ request: Request, _ id: SessionID) async throws {
        guard let token = request.bearer else {
            throw APIError(401, "token", "The link is incomplete. Open it exactly as you received it.")
        }
        let claims: TokenClaims
        do {
            claims = try await tokens.verify(token)
        } catch .expired {
            throw APIError(401, "token_expired", "This link has expired. Ask whoever sent it for a new one.")
        } catch {
            throw APIError(401, "token", "The link is damaged. Open it exactly as you received it.")
        }
        guard claims.session == id, claims.scope == .join || claims.scope == .rejoin else {
            throw APIError(401, "token", "The link belongs to another session. Open it exactly as you received it.")
        }
    }
}
