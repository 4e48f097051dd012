import InterviewCore
import Ports
import WireFormats

/// A request at the door, read from its head: everything that can be decided without asking anybody.
package struct JoinRequest {
    /// Of the page that asks, already checked; nil: no browser.
    package var origin: String?
    package var session: SessionID
    package var token: String
    package var purpose: Knock.Purpose

    package enum Verdict {
        case ask(JoinRequest)
        /// The answer to who asks first whether it may ask.
        case preflight(origin: String?)
        case refuse(Refusal, origin: String?)
    }

    package static let subprotocol = ParticipantCodec.subprotocol
    /// With `1`: another process of the installation hands on a connection, or asks.
    static let relayHeader = "X-Voiced-Relay"
    static let bearerPrefix = "bearer."
    /// Longer ones are refused before they are looked at.
    package static let longestToken = 4_096

    /// In the protocol's order: where to, `Origin`, upgrade, subprotocol, token. Session and token are compared later.
    package static func read(_ head: RequestHead, settings: AcceptorSettings) -> Verdict {
        let origin = head.value("origin")
        if let origin, !settings.origins.contains("*"), !settings.origins.contains(origin) {
            return .refuse(.origin, origin: nil)
        }
        func refuse(_ refusal: Refusal) -> Verdict { .refuse(refusal, origin: origin) }
        guard let session = session(in: head.path) else { return refuse(.noSuchPath) }
        switch head.method {
        case "GET": break
        case "OPTIONS": return .preflight(origin: origin)
        default: return refuse(.method)
        }
        let upgrades = head.elements("upgrade").contains { $0.lowercased() == "websocket" }
        let subprotocols = head.elements("sec-websocket-protocol")
        if upgrades {
            if let fault = faultyUpgrade(head) { return refuse(fault) }
            guard subprotocols.contains(subprotocol) else { return refuse(.subprotocol) }
        }
        guard let token = token(head, subprotocols, settings), token.utf8.count <= longestToken else {
            return refuse(.token)
        }
        let purpose: Knock.Purpose =
            switch (head.value(relayHeader.lowercased()) == "1", upgrades) {
            case (false, true): .join
            case (false, false): .probe
            case (true, true): .relayed
            case (true, false): .inquiry
            }
        return .ask(JoinRequest(origin: origin, session: session, token: token, purpose: purpose))
    }

    /// `/v1/sessions/{id}/media`.
    private static func session(in path: String) -> SessionID? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "v1", parts[2] == "sessions", parts[4] == "media" else {
            return nil
        }
        return SessionID(parts[3])
    }

    /// RFC 6455, section 4.2.1; libwebsockets does not check these.
    private static func faultyUpgrade(_ head: RequestHead) -> Refusal? {
        guard head.elements("connection").contains(where: { $0.lowercased() == "upgrade" }) else { return .upgrade }
        guard head.value("sec-websocket-version") == "13" else { return .version }
        guard let key = head.value("sec-websocket-key"), isKey(key) else { return .upgrade }
        return nil
    }

    /// 16 bytes in base64.
    private static func isKey(_ key: String) -> Bool {
        key.utf8.count == 24 && key.hasSuffix("==")
            && key.utf8.dropLast(2).allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }

    private static func token(_ head: RequestHead, _ subprotocols: [String], _ settings: AcceptorSettings) -> String? {
        if let header = head.value("authorization") {
            guard header.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
            return String(header.dropFirst(7))
        }
        if let entry = subprotocols.first(where: { $0.hasPrefix(bearerPrefix) }) {
            return String(entry.dropFirst(bearerPrefix.count))
        }
        guard settings.tokenInQuery, let query = head.query else { return nil }
        let pair = query.split(separator: "&").first { $0.hasPrefix("token=") }
        return pair.map { String($0.dropFirst("token=".count)) }
    }

    /// The head that the owner's process gets: the participant's again, token and subprotocols included, as it came.
    package static func relayedHead(_ head: RequestHead) -> [UInt8] {
        var text = "\(head.method) \(head.path)\(head.query.map { "?" + $0 } ?? "") HTTP/1.1\r\n"
        for header in head.headers { text += "\(header.name): \(header.value)\r\n" }
        return Array((text + "\(relayHeader): 1\r\n\r\n").utf8)
    }

    /// The head that the library gets: without the token (it drops a subprotocol list over 127 bytes without a word),
    /// without what it need not know.
    package static func forwardedHead(_ head: RequestHead) -> [UInt8] {
        var text = "GET \(head.path) HTTP/1.1\r\n"
        for header in head.headers {
            switch header.name {
            case "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "origin", "user-agent":
                text += "\(header.name): \(header.value)\r\n"
            default: break
            }
        }
        return Array((text + "sec-websocket-protocol: \(subprotocol)\r\n\r\n").utf8)
    }
}

extension Refusal {
    static let origin = Refusal(
        status: 403, code: "origin", message: "This page may not open a session. Its origin must be in media.origins.")
    static let noSuchPath = Refusal(
        status: 404, code: "path", message: "Sessions are at /v1/sessions/{id}/media.")
    static let method = Refusal(status: 405, code: "method", message: "Only GET.")
    static let upgrade = Refusal(
        status: 400, code: "upgrade", message: "This is no WebSocket opening handshake (RFC 6455, 4.2.1).")
    static let version = Refusal(status: 426, code: "websocket_version", message: "WebSocket version 13 is needed.")
    static let subprotocol = Refusal(
        status: 400, code: "subprotocol", message: "The subprotocol voiced.v1 is missing.")
    static let token = Refusal(
        status: 401, code: "token", message: "The token is missing, expired or not valid for this session.")
    static let malformed = Refusal(status: 400, code: "bad_request", message: "This is no HTTP/1.1 request.")
    static let headTooLarge = Refusal(
        status: 431, code: "head_too_large", message: "The request head is longer than 8 KiB or has over 64 headers.")
    static let httpVersion = Refusal(status: 505, code: "http_version", message: "Only HTTP/1.1.")
    static let slowHead = Refusal(status: 408, code: "slow", message: "The request head did not come in time.")
    static let slowAdmission = Refusal(
        status: 503, code: "busy", message: "It takes too long to look this session up. Try again.",
        retryAfterSeconds: 2)
    static let notMine = Refusal(status: 421, code: "not_mine", message: "Another process runs this session.")
    static let ownerUnreachable = Refusal(
        status: 503, code: "owner_unreachable",
        message: "The process that runs this session did not answer. Try again.",
        retryAfterSeconds: 1)
    static let crowded = Refusal(
        status: 503, code: "crowded", message: "Too many connections wait at the door. Try again.", retryAfterSeconds: 1
    )
}

extension ClosingResponse {
    init(_ refusal: Refusal, origin: String?) {
        self = ClosingResponse.refusal(
            status: refusal.status, code: refusal.code, message: refusal.message,
            retryAfter: refusal.retryAfterSeconds)
        if refusal == .version { headers.append(("Sec-WebSocket-Version", "13")) }
        if refusal == .method { headers.append(("Allow", "GET, OPTIONS")) }
        self = readable(by: origin)
    }
}
