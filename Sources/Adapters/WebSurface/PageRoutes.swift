import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore

/// The participant's page and its assets; in `voiced dev` also the start page at `/`.
struct PageRoutes: Sendable {
    let files: PageFiles
    let offersStart: Bool

    func add(to routes: Routes) {
        routes.at(
            "/join/:id",
            [
                .get: { request, context in
                    // The page finds out itself whether the session exists: it holds the token, this request does not.
                    guard context.parameters.get("id").flatMap({ SessionID($0) }) != nil else {
                        throw APIError.notFound
                    }
                    return try await page("join.html", request)
                }
            ])
        routes.at(
            "/assets/:file",
            [
                .get: { request, context in
                    guard let name = context.parameters.get("file"), !name.hasSuffix(".html") else {
                        throw APIError.notFound
                    }
                    return try await file(name, request)
                }
            ])
        if offersStart { routes.at("/", [.get: { request, _ in try await page("start.html", request) }]) }
    }

    private func page(_ name: String, _ request: Request) async throws -> Response {
        var response = try await file(name, request)
        response.headers[.contentSecurityPolicy] = Self.policy
        Self.set("Permissions-Policy", Self.permissions, on: &response)
        Self.set("Cross-Origin-Opener-Policy", "same-origin", on: &response)
        return response
    }

    private func file(_ name: String, _ request: Request) async throws -> Response {
        guard let file = files.file(name) else { throw APIError.notFound }
        var response: Response
        if request.headers[.ifNoneMatch] == file.tag {
            response = Response(status: .notModified)
        } else {
            response = Answer.bytes(file.content, type: file.type, cache: "no-cache")
        }
        // Page and daemon of two versions meet in every deploy: the browser keeps files but asks each time.
        response.headers[.cacheControl] = "no-cache"
        response.headers[.eTag] = file.tag
        response.headers[.xContentTypeOptions] = "nosniff"
        Self.set("Referrer-Policy", "no-referrer", on: &response)
        Self.set("Cross-Origin-Resource-Policy", "same-origin", on: &response)
        return response
    }

    /// Everything comes from here and nothing is inline; the media socket may be elsewhere, so any `ws:` and `wss:`;
    /// `http:` and `https:` because the page asks the same address without `Upgrade` why an opening was refused.
    /// Worklets and workers may be made from a blob.
    static let policy = [
        "default-src 'none'", "script-src 'self' blob:", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self' ws: wss: http: https:",
        "worker-src 'self' blob:", "media-src 'self' blob:", "manifest-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    static let permissions = "microphone=(self), screen-wake-lock=(self), autoplay=(self), camera=(), geolocation=()"

    private static func set(_ name: String, _ value: String, on response: inout Response) {
        if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
}
