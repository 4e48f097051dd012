/// What one socket may cost. Sizes in bytes.
package struct WebSocketLimits: Sendable, Hashable {
    /// Whole messages, all fragments together. A larger one closes the connection with 1009.
    package var participantTextBytes = 16_384
    /// An audio packet: 7 bytes of header, 8,000 of payload.
    package var participantBinaryBytes = 8_007
    /// Text and binary. The buffer grows with what really comes.
    package var providerMessageBytes = 16 * 1_024 * 1_024

    /// Waiting to be written, in our queue and in the library's. A peer that reads less than this ends as
    /// `failed("send_queue")`.
    package var participantQueueBytes = 2 * 1_024 * 1_024
    package var providerQueueBytes = 8 * 1_024 * 1_024

    /// A provider that has sent nothing for this long is pinged.
    package var providerPingAfter = Duration.seconds(20)
    /// A provider that has sent nothing, no pong either, for this long is gone. More than `providerPingAfter`.
    package var providerDeadAfter = Duration.seconds(40)
    /// From `close` until the connection is cut if the peer neither reads nor answers.
    package var closeWithin = Duration.seconds(5)

    package init() {}

    // What the library allocates; not worth configuring.

    /// Read at once from a participant's socket; allocated per connection. A PCM frame is 2,887 bytes.
    static let participantReadBytes = 4_096
    /// Read at once from a provider's socket; allocated per connection.
    static let providerReadBytes = 32_768
    /// Written at once; what is longer is copied by the library and trickles out turn by turn.
    static let writeBytes = 65_536
    /// The library's buffer for reading and for building request heads, once per loop. Not less than any read size.
    static let serviceBytes: UInt32 = 40_960
    /// A request or response head. The acceptor's own limit (8 KiB) is stricter.
    static let headBytes: UInt16 = 16_384
    /// An assembly buffer larger than this is given back after its message.
    static let keptAssemblyBytes = 65_536
    /// RFC 6455, 5.5: a control frame carries at most 125 bytes, 2 of them the code.
    static let reasonBytes = 123
    /// The library's own timeouts, in seconds: only a fence behind ours.
    static let libraryTimeoutSeconds: UInt32 = 90
}
