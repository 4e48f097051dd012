import Testing

/// One after the other: each WebSocket context that is made moves process-wide variables of the TLS library. In the
/// daemon all contexts are made before the first loop starts.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct WebSocketTransportTests {}
