import WireFormats

/// A refusal on its way out: thrown by handlers, written as `ErrorBody` by `ErrorAnswers`.
package struct APIError: Error, Sendable, Hashable {
    package var status: Int
    package var body: ErrorBody
    /// Seconds, for 429 and 503.
    package var retryAfter: Int?
    /// Methods, for 405.
    package var allow: [String]

    package init(
        _ status: Int, _ code: String, _ message: String, field: String? = nil, retryAfter: Int? = nil,
        allow: [String] = []
    ) {
        self.status = status
        self.body = ErrorBody(code: code, message: message, field: field)
        self.retryAfter = retryAfter
        self.allow = allow
    }

    package static let notFound = APIError(404, "not_found", "There is nothing at this address.")
    package static let tooLarge = APIError(413, "too_large", "The body is larger than this address accepts.")
    package static let badJSON = APIError(400, "bad_json", "The body is not a JSON object.")
}
