/// What the door is told.
package struct AcceptorSettings: Sendable {
    /// An address of this machine, `0.0.0.0` or `::`.
    package var host: String
    /// 0: any free one.
    package var port: Int
    /// Pages that may open a media socket, as browsers send them in `Origin`; `*`: all. Programs that send none are let in.
    package var origins: [String]
    /// Also accept `?token=`.
    package var tokenInQuery: Bool
    /// From accept to a complete request head.
    package var headDeadline: Duration = .seconds(5)
    /// For admission to decide; later: 503.
    package var admissionDeadline: Duration = .seconds(10)
    /// For a refusal to be taken by its peer.
    package var answerDeadline: Duration = .seconds(5)
    /// Connections at the door: head incomplete, admission pending or answer not taken. More are answered 503 and cut.
    package var mostWaiting = 1_024
    /// For the process that runs a session to take the connection of a relay.
    package var relayConnect: Duration = .seconds(1)
    /// For it to answer the participant's head, connecting included. Less than the three seconds after which a client
    /// tries again.
    package var relayAnswer: Duration = .milliseconds(2_500)
    /// Without a byte one way, although both sides send something every second: the relay ends.
    package var relayStuck: Duration = .seconds(10)
    /// Connections that are passed on to another process. More are answered 503.
    package var mostRelays = 1_024
    package var line = LineTimes()

    package init(host: String, port: Int, origins: [String] = [], tokenInQuery: Bool = false) {
        self.host = host
        self.port = port
        self.origins = origins
        self.tokenInQuery = tokenInQuery
    }
}

/// Why the door does not open.
package enum AcceptorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Another program listens there.
    case inUse(host: String, port: Int)
    case notPermitted(port: Int)
    /// The host is no address of this machine.
    case noSuchHost(String)
    case failed(code: String)

    package var description: String {
        switch self {
        case .inUse(let host, let port):
            "\(host):\(port) is taken by another program; set media.port to a free port, or end that program"
        case .notPermitted(let port): "port \(port) needs more rights than this user has; set media.port above 1023"
        case .noSuchHost(let host): "\(host) is no address of this machine; set media.host to one, or leave it empty"
        case .failed(let code): "cannot listen (\(code))"
        }
    }
}
