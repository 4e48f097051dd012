import InterviewCore

/// Decides about a participant at the door, after origin and token have been checked.
package protocol Admission: Sendable {
    /// `probing`: only asked (a GET without `Upgrade`); nothing may be used up or reserved.
    /// Checked here, in this order: session known (404), not ended (410), draining or full (503), two tabs.
    func admit(_ claims: TokenClaims, probing: Bool) async -> AdmissionAnswer
}

package enum AdmissionAnswer: Sendable {
    /// Hand the connection to this loop; tell `seat` what becomes of it, once.
    case welcome(loop: any SessionLoop, seat: any TransportSeat)
    case refused(Refusal)
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
