import Testing

/// One after the other: each context that is made moves process-wide variables of the TLS library, under the feet of
/// handshakes that run at that moment. In the daemon all contexts are made before the first loop starts.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct WebSocketsTests {}
