import Ports
import WebSockets
import WireFormats

/// Sorts what goes wrong into the kinds that a session decides by. Codes are the vendor's or the system's, cut to a
/// length that fits a metric or a log line.
enum OpenAIFailures {
    static let maxCodeLength = 64

    /// Nil: an error event that leaves the conversation usable, which is nearly all of them. The vendor puts the
    /// decisive word into `code` or into `type`.
    static func fatal(_ error: OpenAIErrorBody) -> ProviderFailure? {
        for word in [error.code, error.type].compactMap(\.self) {
            if let kind = fatalKinds[word] { return ProviderFailure(kind: kind, code: word) }
        }
        return nil
    }

    private static let fatalKinds: [String: ProviderFailure.Kind] = [
        "session_expired": .expired,
        "insufficient_quota": .quota,
        "billing_hard_limit_reached": .quota,
        "credit_balance_exhausted": .quota,
        "invalid_api_key": .auth,
        "account_deactivated": .auth,
    ]

    private static let passingKinds: [String: ProviderFailure.Kind] = [
        "rate_limit_exceeded": .rateLimit,
        "inference_rate_limit_exceeded": .rateLimit,
        "rate_limit_error": .rateLimit,
        "server_error": .server,
        "internal_error": .server,
        "overloaded_error": .server,
    ]

    /// What an error means once it did end something: a failed answer, a refused setup, a socket closed right after it.
    static func ended(by error: OpenAIErrorBody?) -> ProviderFailure {
        guard let error else { return ProviderFailure(kind: .server, code: "unknown") }
        if let failure = fatal(error) { return failure }
        for word in [error.code, error.type].compactMap(\.self) {
            if let kind = passingKinds[word] { return ProviderFailure(kind: kind, code: word) }
        }
        return ProviderFailure(kind: error.code == nil && error.type == nil ? .server : .protocol, code: code(error))
    }

    static func code(_ error: OpenAIErrorBody) -> String { clip(error.code ?? error.type ?? "unknown") }

    /// A vendor's word as it may stand in a log: cut, and without anything but letters, digits and `_-.:`.
    static func clip(_ text: String) -> String {
        let plain = text.utf8.prefix(maxCodeLength).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: ":"):
                byte
            default: UInt8(ascii: "?")
            }
        }
        return plain.isEmpty ? "unknown" : String(decoding: plain, as: UTF8.self)
    }

    /// The end of a socket that nobody here closed. `complaint`: the error event that explains it, if there was one.
    static func ended(_ end: WebSocketEnd, complaint: OpenAIErrorBody?) -> ProviderFailure {
        switch end {
        case .refused(let status):
            return refused(status)
        case .failed(let code):
            return ProviderFailure(kind: .network, code: code)
        case .tooBig:
            return ProviderFailure(kind: .protocol, code: "too_big")
        case .invalidUTF8:
            return ProviderFailure(kind: .protocol, code: "invalid_utf8")
        case .closed(let code):
            if let complaint { return ended(by: complaint) }
            return closed(code)
        }
    }

    /// A connection that could not even be tried.
    static func notStarted(_ error: WebSocketError) -> String {
        switch error {
        case .badTarget(let field): clip("bad_target:" + field)
        case .notStarted: "not_started"
        case .destroyed: "shutting_down"
        case .noContext, .noVirtualHost, .unreadableTrust, .adoptionRefused, .unresolved, .resolverBusy: "no_socket"
        }
    }

    private static func refused(_ status: Int) -> ProviderFailure {
        let kind: ProviderFailure.Kind =
            switch status {
            case 401, 403: .auth
            case 402: .quota
            case 429: .rateLimit
            case 408, 500...599: .server
            default: .protocol
            }
        return ProviderFailure(kind: kind, code: "http_\(status)")
    }

    private static func closed(_ code: UInt16?) -> ProviderFailure {
        guard let code else { return ProviderFailure(kind: .network, code: "close_1006") }
        let kind: ProviderFailure.Kind =
            switch code {
            case 1005, 1006, 1015: .network
            // 1002 is ours: libwebsockets 4.1 answers so to 1012 and 1013, which it does not know, and keeps them to itself.
            case 1000, 1001, 1002, 1011, 1012, 1013, 1014: .server
            default: .protocol
            }
        return ProviderFailure(kind: kind, code: "close_\(code)")
    }

    static func malformed(_ error: OpenAIWireError) -> ProviderFailure {
        let code =
            switch error {
            case .json: "malformed_json"
            case .untyped: "untyped_event"
            case .badBody(let type): clip("bad_body:" + type)
            case .badAudio: "bad_audio"
            }
        return ProviderFailure(kind: .protocol, code: code)
    }
}
