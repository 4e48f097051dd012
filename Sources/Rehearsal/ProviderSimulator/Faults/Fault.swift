/// One thing that goes wrong on purpose: what, when, and how often.
package struct Fault: Equatable, Sendable {
    package enum Kind: String, Equatable, Sendable, CaseIterable {
        /// The handshake is answered with 429.
        case refuse429 = "refuse_429"
        case refuse401 = "refuse_401"
        case refuse500 = "refuse_500"
        /// Every conversation is cut (RST) at once; new handshakes are, for `milliseconds` (0: until it is cleared).
        case outage
        /// The socket is closed with `closeCode`, or cut without one.
        case closeMidResponse = "close_mid_response"
        /// The socket stays; nothing is said or read on it any more.
        case halfOpen = "half_open"
        /// A text frame that is no JSON.
        case garbage
        /// A text frame of `bytes`.
        case oversize
        /// `response.done` with status failed and `errorCode`.
        case failedResponse = "failed_response"
        /// The error event of the vendor's time limit, then close 1001.
        case sessionExpired = "session_expired"
        /// An `error` event with `errorCode`, which ends nothing.
        case errorEvent = "error_event"
        /// `milliseconds` from the start of an answer to its first sound.
        case firstAudio = "first_audio"
        /// From now on the socket is read at `bytes` a second; what is said goes out as ever.
        case slowReading = "slow_reading"
    }
    /// The moment of a conversation at which a fault happens. Refusals and outages have none.
    package enum Moment: String, Equatable, Sendable, CaseIterable {
        /// `deltas` pieces of sound of an answer have been sent.
        case answer
        /// The participant has been speaking for `milliseconds`.
        case speech
        /// A turn has been committed, its answer has not begun.
        case turn
        /// The client has been greeted, nothing else.
        case opening
    }

    package var kind: Kind
    package var moment: Moment
    /// How often it happens; 0: again and again.
    package var times: Int
    /// Only on this connection; a refused handshake counts as the connection that it would have become.
    package var connection: Int?
    package var deltas: Int
    package var milliseconds: Int
    /// Nil: the socket is cut without a closing handshake.
    package var closeCode: UInt16?
    package var errorCode: String
    package var bytes: Int

    package static let maximumDeltas = 100_000
    package static let maximumMilliseconds = 86_400_000
    /// Over the 16 MiB that clients commonly allow, under what a socket may have unsent.
    package static let oversizeBytes = 17 << 20
    /// A thirtieth of what a microphone's sound makes in base64.
    package static let slowBytes = 2_048
    package static let maximumBytes = 48 << 20

    package init(
        _ kind: Kind, at moment: Moment = .answer, times: Int = 1, connection: Int? = nil, deltas: Int? = nil,
        milliseconds: Int? = nil, closeCode: UInt16? = nil, errorCode: String = "rate_limit_exceeded",
        bytes: Int? = nil
    ) {
        self.kind = kind
        self.moment = moment
        self.times = times
        self.connection = connection
        self.deltas = deltas ?? (kind == .failedResponse ? 0 : 3)
        self.milliseconds = milliseconds ?? (kind == .firstAudio ? 3_000 : kind == .outage ? 2_000 : 0)
        self.closeCode = closeCode
        self.errorCode = errorCode
        self.bytes = bytes ?? (kind == .slowReading ? Self.slowBytes : Self.oversizeBytes)
    }
}
