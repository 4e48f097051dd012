import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// What our handlers know of a request beside the request.
package struct SurfaceContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package init(source: ApplicationRequestContextSource) { coreContext = CoreRequestContextStorage(source: source) }
}

package typealias Handler = @Sendable (Request, SurfaceContext) async throws -> Response

extension Request {
    /// A header by its name, case does not matter. Nil when it is absent.
    package func header(_ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return headers[name]
    }

    /// `Authorization: Bearer …` (RFC 6750 section 2.1; the scheme's case does not matter).
    package var bearer: String? {
        guard let value = headers[.authorization] else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, let scheme = parts.first, scheme.lowercased() == "bearer", let token = parts.last
        else { return nil }
        return token.trimmingCharacters(in: .whitespaces)
    }

    /// The whole body, at most `limit` bytes (then 413).
    package func bytes(limit: Int) async throws -> Data {
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit { throw APIError.tooLarge }
        do {
            return Data(buffer: try await body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw APIError.tooLarge
        }
    }

    /// The body as JSON. `missing`: what an empty body means; nil: it may not be empty. A body must call itself JSON:
    /// a foreign page in somebody's browser can send other types here without asking, this one it cannot.
    package func json<Body: Decodable>(_ type: Body.Type, limit: Int, missing: Body? = nil) async throws -> Body {
        let data = try await bytes(limit: limit)
        if data.isEmpty, let missing { return missing }
        let media = (headers[.contentType] ?? "").split(separator: ";").first.map(String.init) ?? ""
        guard media.trimmingCharacters(in: .whitespaces).lowercased() == "application/json" else {
            throw APIError(415, "not_json", "Send the body as Content-Type: application/json.")
        }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
            throw APIError.wrongType(context.codingPath)
        } catch {
            throw APIError.badJSON
        }
    }
}

extension APIError {
    static func wrongType(_ path: [any CodingKey]) -> APIError {
        let field = path.map(\.stringValue).joined(separator: ".")
        return APIError(400, "invalid_field", "\(field) has the wrong type.", field: field)
    }
}
