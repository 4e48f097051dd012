import Foundation
import NIOHTTP1

/// Decides about a handshake from its head alone. Refusals made on purpose come from the `FaultPlan`.
struct Gate: Sendable {
    enum Verdict {
        case accept(model: String)
        case refuse(Refusal)
    }
    struct Refusal {
        var status: HTTPResponseStatus
        var code: String
        var message: String

        init(status: HTTPResponseStatus, code: String, message: String) {
            self.status = status
            self.code = code
            self.message = message
        }

        /// One made on purpose.
        init(_ fault: Fault.Kind) {
            switch fault {
            case .refuse401:
                self.init(status: .unauthorized, code: "invalid_api_key", message: "Incorrect API key provided.")
            case .refuse429:
                self.init(status: .tooManyRequests, code: "rate_limit_exceeded", message: "Rate limit reached.")
            case .refuse500, .outage, .closeMidResponse, .halfOpen, .garbage, .oversize, .failedResponse,
                .sessionExpired, .errorEvent, .firstAudio, .slowReading:
                self.init(
                    status: .internalServerError, code: "server_error", message: "The server had an error.")
            }
        }

        /// As the vendor's API answers any failed request.
        var body: JSON {
            [
                "error": [
                    "message": .string(message), "type": "invalid_request_error", "param": .null, "code": .string(code),
                ]
            ]
        }
    }

    static let path = "/v1/realtime"
    let apiKey: String?

    func verdict(on head: HTTPRequestHead) -> Verdict {
        let (path, query) = Self.split(head.uri)
        guard path == Self.path else {
            return .refuse(Refusal(status: .notFound, code: "not_found", message: "Invalid URL (\(path.prefix(64)))"))
        }
        guard let key = Self.bearer(head.headers) else {
            return .refuse(
                Refusal(
                    status: .unauthorized, code: "missing_api_key",
                    message: "Missing bearer authentication in header"))
        }
        guard apiKey == nil || apiKey == key else {
            return .refuse(
                Refusal(status: .unauthorized, code: "invalid_api_key", message: "Incorrect API key provided."))
        }
        guard head.headers["OpenAI-Beta"].isEmpty else {
            return .refuse(
                Refusal(
                    status: .badRequest, code: "beta_api_shape_disabled",
                    message: "The beta shape of the Realtime API is not supported; omit the OpenAI-Beta header."))
        }
        guard let model = query["model"], !model.isEmpty else {
            return .refuse(
                Refusal(status: .badRequest, code: "missing_model", message: "You must provide a model parameter."))
        }
        return .accept(model: model)
    }

    private static func bearer(_ headers: HTTPHeaders) -> String? {
        guard let value = headers.first(name: "Authorization"), value.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let key = value.dropFirst(7)
        return key.isEmpty ? nil : String(key)
    }

    /// The path and the parameters of a request target.
    static func split(_ uri: String) -> (path: String, query: [String: String]) {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(sides[0])] = (sides.count > 1 ? String(sides[1]) : "").removingPercentEncoding ?? ""
        }
        return (String(parts.first ?? ""), query)
    }
}
