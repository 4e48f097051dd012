import EventLoops
import InterviewCore
import Ports
import WebSockets
import WireFormats

/// Asks another process whether it runs a session, by the same door that participants use: the application has to
/// answer, a kernel's accept says nothing. The participant's own token goes with the question, so that it opens no door
/// that was not open already.
package struct OwnerLine: OwnerInquiry {
    private let loop: EventLoop
    private let resolver: HostResolver

    /// `loop`: the acceptor's. It must run while anybody asks.
    package init(loop: EventLoop, resolver: HostResolver = HostResolver()) {
        self.loop = loop
        self.resolver = resolver
    }

    package func ask(
        address: String, session: SessionID, token: String, patience: Duration
    ) async -> OwnerAnswer {
        let request = Self.request(address: address, session: session, token: token)
        let (loop, resolver) = (loop, resolver)
        return await withCheckedContinuation { continuation in
            loop.post {
                OwnerExchange(loop: loop, request: request).start(
                    address, resolver: resolver, connectWithin: patience, answerWithin: patience
                ) { continuation.resume(returning: Self.answer($0)) }
            }
        }
    }

    static func request(address: String, session: SessionID, token: String) -> [UInt8] {
        Array(
            ("GET /v1/sessions/\(session)/media HTTP/1.1\r\nHost: \(address)\r\nAuthorization: Bearer \(token)\r\n"
                + "\(JoinRequest.relayHeader): 1\r\n\r\n").utf8)
    }

    static func answer(_ outcome: OwnerExchange.Outcome) -> OwnerAnswer {
        switch outcome {
        case .upgraded(let descriptor, _, _):
            // Nobody asked for that.
            OwnerExchange.closeDescriptor(descriptor)
            return .silent
        // The body too: a process of an earlier build, or another program, would say 200 without meaning it.
        case .answered(let head, let body) where head.status == 200 && body.starts(with: ClosingResponse.mineBeginning):
            return .mine
        case .answered(let head, _) where head.status == 421: return .notMine
        case .answered, .failed: return .silent
        }
    }
}
