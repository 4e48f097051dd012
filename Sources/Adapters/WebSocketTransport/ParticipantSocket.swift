import EventLoops
import Foundation
import InterviewCore
import Ports
import WebSockets
import WireFormats

/// Times of a participant's line. Seconds in the protocol, shorter in tests.
package struct LineTimes: Sendable, Hashable {
    /// From the upgrade to `hello`.
    package var hello: Duration
    /// Something is said at least so often; a `beat` when there is nothing else.
    package var beat: Duration
    /// Without anything from the peer for so long the line is dead.
    package var dead: Duration
    /// So much audio may be on the way to a peer that does not take it; more: 4003.
    package var backlog: Duration

    package init(
        hello: Duration = .seconds(5), beat: Duration = .seconds(1), dead: Duration = .seconds(3),
        backlog: Duration = .seconds(2)
    ) {
        self.hello = hello
        self.beat = beat
        self.dead = dead
        self.backlog = backlog
    }
}

/// One participant's (or observer's) WebSocket, from the upgrade to its end: waits for `hello`, then carries messages and
/// audio for the session that took the seat, and keeps the line alive. Touched on its loop only.
package final class ParticipantSocket: ParticipantTransport, WebSocketHandler, @unchecked Sendable {
    package let loop: any SessionLoop
    private let claims: TokenClaims
    private let times: LineTimes
    private var seat: (any TransportSeat)?
    private var events: (any TransportEvents)?
    private var socket: WebSocket?
    private var isOver = false
    /// Closed by us from within a call of the session, which hears of it after that call.
    private var failing: TransportEnd?

    private var upFormat: AudioFormat?
    private var downFormat = AudioFormat.opus
    private var backlog: AudioBacklog
    private var sequence = UInt16.random(in: .min ... .max)
    private var openedAt: Duration = .zero
    private var lastSent: Duration = .zero
    private var lastHeard: Duration = .zero
    private var timer: LoopTimer?
    /// Types that this version does not know; ignored, counted.
    private(set) var unknownMessages = 0

    package init(loop: any SessionLoop, claims: TokenClaims, seat: any TransportSeat, times: LineTimes) {
        self.loop = loop
        self.claims = claims
        self.seat = seat
        self.times = times
        backlog = AudioBacklog(limit: times.backlog)
    }

    // MARK: ParticipantTransport

    package var queuedBytes: Int { socket?.queuedBytes ?? 0 }

    package func send(_ message: AgentMessage) {
        guard !isOver, failing == nil, let socket else { return }
        lastSent = loop.now
        let text = ParticipantCodec.encode(message)
        backlog.sent(bytes: text.count + Self.framing)
        text.withUnsafeBytes { socket.send(.text, $0) }
    }

    /// Of a server's WebSocket frame, in most cases: what counts the stream may be a little wrong.
    private static let framing = 4
    /// Asking the kernel is a system call; two seconds are a hundred frames.
    private static let framesBetweenChecks: UInt16 = 8

    package func sendAudio(_ payload: UnsafeRawBufferPointer, timestamp: UInt32) {
        guard !isOver, failing == nil, let socket else { return }
        if sequence.isMultiple(of: Self.framesBetweenChecks),
            backlog.isExceeded(outstanding: socket.queuedBytes + socket.unacknowledgedBytes)
        {
            return failSoon(.tooSlow, code: .tooSlow, reason: "too slow")
        }
        let header = AudioFrameHeader(format: downFormat, sequence: sequence, timestamp: timestamp)
        sequence &+= 1
        lastSent = loop.now
        let count = AudioFrame.headerBytes + payload.count
        backlog.sentFrame(bytes: count + Self.framing)
        socket.send(.binary, capacity: count) { frame in
            AudioFrame.encodeHeader(header, into: frame)
            UnsafeMutableRawBufferPointer(rebasing: frame[AudioFrame.headerBytes..<count]).copyMemory(from: payload)
            return count
        }
        loop.framePathProbe?.passed(.socketOut, loop: loop.index)
    }

    package func close(_ code: CloseCode, reason: String) {
        guard !isOver else { return }
        end()
        socket?.close(code: code.rawValue, reason: reason)
    }

    // MARK: WebSocketHandler

    package func webSocketOpened(_ socket: WebSocket) {
        self.socket = socket
        let now = loop.now
        openedAt = now
        lastSent = now
        lastHeard = now
        watchLine()
    }

    package func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {
        guard !isOver else { return }
        lastHeard = loop.now
        do {
            switch kind {
            case .text: try received(text: bytes)
            case .binary: try received(audio: bytes)
            }
        } catch { violated(error) }
    }

    package func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {
        self.socket = nil
        guard !isOver else { return }
        switch end {
        case .closed(let code): lost(.closed(code: code))
        // Reserved bits, an unknown opcode, a control frame in pieces (RFC 6455, section 5): the library closes 1002.
        case .failed(code: "protocol"): lost(.violated(.badFrame))
        case .failed, .refused: lost(.dead)
        case .tooBig: lost(.violated(.tooBig))
        case .invalidUTF8: lost(.violated(.badMessage))
        }
    }

    // MARK: Frames

    private func received(text bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        guard let message = try ParticipantCodec.decodeParticipant(bytes) else {
            unknownMessages += 1
            return
        }
        switch message {
        case .hello(let hello): try greeted(hello)
        case .beat: if events == nil { throw .noHello }
        case .played, .mute, .leave, .stats:
            guard let events else { throw .noHello }
            events.transport(self, received: message)
        }
    }

    private func received(audio bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        guard let events else { throw .noHello }
        // An observer's `hello` announces none.
        let (header, payload) = try AudioFrame.decode(bytes)
        guard header.format == upFormat else { throw .badFrame }
        loop.framePathProbe?.passed(.socketIn, loop: loop.index)
        events.transport(self, heard: header, payload: payload)
    }

    private func greeted(_ hello: Hello) throws(ProtocolViolation) {
        guard events == nil, let seat else { throw .badMessage }
        if claims.scope != .observe { upFormat = hello.up }
        if let down = hello.down { downFormat = down }
        self.seat = nil
        let answer = seat.take(self, hello: hello, claims: claims)
        // The seat may have closed us within the call.
        if !isOver { events = answer }
        if answer == nil, !isOver { close(.tryAgainLater, reason: "no seat") }
    }

    private func violated(_ violation: ProtocolViolation) {
        send(.error(code: violation.rawValue, message: Self.explanation(violation)))
        fail(.violated(violation), code: .protocolError, reason: violation.rawValue)
    }

    private static func explanation(_ violation: ProtocolViolation) -> String {
        switch violation {
        case .badFrame:
            "A binary frame has the kind that hello announced, sequence, timestamp and a payload of 1 to 8000 bytes."
        case .badMessage: "A text frame is one JSON object with a type and fields of the documented types."
        case .tooFast: "Audio came more than 2 s ahead of the clock."
        case .tooBig: "A text frame is at most 16 KiB, a binary frame at most 8007 bytes."
        case .noHello: "The first message is hello, within 5 s."
        case .version: "This daemon speaks protocol 1."
        }
    }

    // MARK: The line

    /// Looks twice as often as something has to be said.
    private func watchLine() {
        timer = loop.schedule(at: loop.now + times.beat / 2) { [weak self] in self?.look() }
    }

    private func look() {
        timer = nil
        guard !isOver else { return }
        let now = loop.now
        if events == nil, now - openedAt >= times.hello { return violated(.noHello) }
        if now - lastHeard >= times.dead, events != nil {
            fail(.dead, code: .goingAway, reason: "nothing heard", discarding: true)
            return
        }
        // Half a beat of reserve: the next look would come too late for the peer's clock.
        if now - lastSent >= times.beat / 2 { send(.beat) }
        watchLine()
    }

    /// Ends the line by our decision and tells the session.
    private func fail(_ cause: TransportEnd, code: CloseCode, reason: String, discarding: Bool = false) {
        guard !isOver else { return }
        socket?.close(code: code.rawValue, reason: reason, discarding: discarding)
        lost(cause)
    }

    /// The same from within a call of the session: no event comes back inside a call.
    private func failSoon(_ cause: TransportEnd, code: CloseCode, reason: String) {
        guard !isOver, failing == nil else { return }
        failing = cause
        socket?.close(code: code.rawValue, reason: reason, discarding: true)
        _ = loop.schedule(at: loop.now) { [weak self] in self?.lost(cause) }
    }

    private func lost(_ cause: TransportEnd) {
        guard !isOver else { return }
        let cause = failing ?? cause
        let (events, seat) = (events, seat)
        end()
        events?.transport(self, ended: cause)
        seat?.abandon(cause)
    }

    private func end() {
        isOver = true
        events = nil
        seat = nil
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}
