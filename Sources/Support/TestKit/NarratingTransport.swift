import InterviewCore
import Ports

/// A participant's line that tells what it was sent. Touched on its loop only.
package final class NarratingTransport: ParticipantTransport, @unchecked Sendable {
    package enum Line: Sendable, Equatable {
        case message(AgentMessage)
        case audio(bytes: Int, timestamp: UInt32)
        case closed(CloseCode, String)
    }

    package let loop: any SessionLoop
    package let story = Story<Line>()
    package var queuedBytes = 0
    private var events: (any TransportEvents)?

    package init(loop: any SessionLoop) { self.loop = loop }

    package func send(_ message: AgentMessage) { story.tell(.message(message)) }
    package func sendAudio(_ payload: UnsafeRawBufferPointer, timestamp: UInt32) {
        story.tell(.audio(bytes: payload.count, timestamp: timestamp))
    }
    package func close(_ code: CloseCode, reason: String) { story.tell(.closed(code, reason)) }

    /// On the loop: the connection says hello at `seat`.
    package func join(_ seat: any TransportSeat, hello: Hello, claims: TokenClaims) {
        events = seat.take(self, hello: hello, claims: claims)
    }
    package func says(_ message: ParticipantMessage) { events?.transport(self, received: message) }
    package func speaks(_ header: AudioFrameHeader, _ payload: [UInt8]) {
        payload.withUnsafeBytes { events?.transport(self, heard: header, payload: $0) }
    }
    package func drops(_ end: TransportEnd) { events?.transport(self, ended: end) }
}
