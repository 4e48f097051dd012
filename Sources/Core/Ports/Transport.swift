import InterviewCore

/// A participant's (or observer's) connection that has said `hello`. Everything here is called on the session's loop.
/// The transport keeps the line alive by itself: `beat` each second, dead after 3 s of silence.
package protocol ParticipantTransport: AnyObject, Sendable {
    var loop: any SessionLoop { get }
    func send(_ message: AgentMessage)
    /// One packet of agent audio, in the format that `hello` asked for (`down`). The transport numbers it
    /// (sequence); `timestamp` is the session's, 48 kHz units.
    func sendAudio(_ payload: UnsafeRawBufferPointer, timestamp: UInt32)
    /// Sends what is queued, then closes. No event comes any more.
    func close(_ code: CloseCode, reason: String)
    /// Bytes that the kernel has not taken yet.
    var queuedBytes: Int { get }
}

/// What a session hears of its participant. Called on the session's loop, never from within a call of the session.
package protocol TransportEvents: AnyObject, Sendable {
    /// Never `hello` or `beat`: those stay in the transport.
    func transport(_ transport: any ParticipantTransport, received message: ParticipantMessage)
    /// `payload` is valid during the call only: 1 to 8,000 bytes, format as in `header`.
    func transport(
        _ transport: any ParticipantTransport, heard header: AudioFrameHeader, payload: UnsafeRawBufferPointer)
    /// Last event: the line is gone, by whoever's doing.
    func transport(_ transport: any ParticipantTransport, ended end: TransportEnd)
}

package enum TransportEnd: Sendable, Hashable {
    /// The peer closed, with its code when it gave one.
    case closed(code: UInt16?)
    /// Nothing for 3 s, or the kernel reported a broken line.
    case dead
    /// The transport closed the line because of what the peer sent.
    case violated(ProtocolViolation)
    /// 2 s of audio queued; closed 4003.
    case tooSlow
}
