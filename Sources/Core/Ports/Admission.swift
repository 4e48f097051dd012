import InterviewCore

/// Decides about a participant at the door, after origin and token have been checked.
package protocol Admission: Sendable {
    /// Checked in this order: session known (404), not ended (410), draining or full (503), two tabs.
    func admit(_ knock: Knock) async -> AdmissionAnswer
}

/// Somebody at the door.
package struct Knock: Sendable {
    package enum Purpose: Sendable, Hashable {
        /// A connection that wants a seat.
        case join
        /// Only asks whether it would get one (a GET without `Upgrade`); nothing may be used up or reserved.
        case probe
        /// Another process hands on a connection (`X-Voiced-Relay`): it is seated here or refused, never relayed again.
        case relayed
        /// Another process asks whether this session is ours (`X-Voiced-Relay` without `Upgrade`): `welcome` or
        /// `not_mine`, from memory, without the store.
        case inquiry
    }
    package var claims: TokenClaims
    /// As it came, for asking another process on the participant's behalf.
    package var token: String
    package var purpose: Purpose

    package init(claims: TokenClaims, token: String, purpose: Purpose) {
        self.claims = claims
        self.token = token
        self.purpose = purpose
    }
}

package enum AdmissionAnswer: Sendable {
    /// Hand the connection to this loop; tell `seat` what becomes of it, once.
    case welcome(loop: any SessionLoop, seat: any TransportSeat)
    /// The process at this address (`host:port`) runs it and has said so: connect there, send the head again and splice.
    case relay(address: String)
    case refused(Refusal)
}

/// Asks another process of the installation about a session.
package protocol OwnerInquiry: Sendable {
    /// - Parameters:
    ///   - address: its media listener, `host:port`.
    ///   - token: the participant's own.
    ///   - patience: for the whole exchange.
    func ask(address: String, session: SessionID, token: String, patience: Duration) async -> OwnerAnswer
}

package enum OwnerAnswer: Sendable, Hashable {
    /// The application has said so.
    case mine
    case notMine
    /// Nobody listens, or nothing was said in time: the kernel's accept is no answer.
    case silent
}

/// An HTTP refusal: JSON body `{"code":…,"message":…}`.
package struct Refusal: Sendable, Hashable, Error {
    package var status: Int
    /// `origin`, `subprotocol`, `token`, `unknown_session`, `ended`, `draining`, `full`, `store_unavailable` …
    package var code: String
    package var message: String
    /// `Retry-After`, in seconds.
    package var retryAfterSeconds: Int?

    package init(status: Int, code: String, message: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// The place that admission has kept for one connection. Called on the loop that admission named.
package protocol TransportSeat: AnyObject, Sendable {
    /// The connection has said `hello`. Its events go to the answer from now on; nil: closed already by the seat.
    func take(_ transport: any ParticipantTransport, hello: Hello, claims: TokenClaims) -> (any TransportEvents)?
    /// The connection ended before its `hello`, by whoever's doing.
    func abandon(_ end: TransportEnd)
}
