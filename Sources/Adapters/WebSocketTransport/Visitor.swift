import EventLoops
import Glibc
import Ports
import WireFormats

/// One connection at the door: its head is read, or an answer is written, or it is handed over. Touched on the
/// acceptor's loop only.
final class Visitor: @unchecked Sendable {
    private enum State {
        case reading
        /// Admission is asked; what else comes is kept for the WebSocket.
        case waiting
        case answering([UInt8], sent: Int)
        /// The answer is out; the peer's end is awaited, or it might be lost with what the peer still sends (RFC 9112, 9.6).
        case lingering
        case over
    }

    private let descriptor: Int32
    private let loop: EventLoop
    private unowned let acceptor: Acceptor
    private var state = State.reading
    private var bytes: [UInt8] = []
    private var watch: LoopWatch?
    private var deadline: LoopTimer?

    init(descriptor: Int32, loop: EventLoop, acceptor: Acceptor) {
        self.descriptor = descriptor
        self.loop = loop
        self.acceptor = acceptor
    }

    func readHead(within time: Duration) {
        expect(within: time) { visitor in
            visitor.acceptor.assumeIsolated { $0.visitorFailed(visitor, .slowHead) }
        }
        watch(readable: true)
        readable()
    }

    /// Its head has been read; `late` unless it is answered or released in time.
    func awaitDecision(within time: Duration, _ late: @escaping @Sendable (Visitor) -> Void) {
        if case .waiting = state { expect(within: time, late) }
    }

    /// One try to say why, and out: whoever is too many gets no place to linger in.
    func turnAway(_ response: [UInt8]) {
        _ = response.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        shutdown(descriptor, Int32(SHUT_WR))
        // What has come unread would turn the end into a reset, and the answer with it.
        var buffer = [UInt8](repeating: 0, count: 4_096)
        _ = recv(descriptor, &buffer, buffer.count, 0)
        drop()
    }

    /// Answers and closes. Only once, and not after its release.
    func answer(_ response: [UInt8], within time: Duration) {
        switch state {
        case .reading, .waiting: break
        case .answering, .lingering, .over: return
        }
        state = .answering(response, sent: 0)
        expect(within: time) { $0.leave() }
        writable()
    }

    /// Gives the descriptor away; nil when the peer has gone.
    func release() -> Int32? {
        guard case .waiting = state else { return nil }
        stopWatching()
        state = .over
        return descriptor
    }

    /// Cuts the line.
    func drop() {
        if case .over = state { return }
        stopWatching()
        state = .over
        Glibc.close(descriptor)
    }

    private func leave() {
        if case .over = state { return }
        drop()
        acceptor.assumeIsolated { $0.visitorGone(self) }
    }

    // MARK: The descriptor

    private func readable() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        switch state {
        case .reading:
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count != 0 else { return leave() }
            guard count > 0 else {
                if errno != EAGAIN, errno != EINTR { leave() }
                return
            }
            bytes.append(contentsOf: buffer[..<count])
            parse()
        case .waiting:
            // Only the peer's end is looked for: what it sends already stays in the kernel for the WebSocket.
            let count = recv(descriptor, &buffer, 1, Int32(MSG_PEEK))
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return leave() }
            if count > 0 { unwatch() }
        case .lingering:
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { leave() }
        case .answering, .over: break
        }
    }

    private func parse() {
        do {
            guard let (head, length) = try RequestHead.parse(bytes) else { return }
            let rest = Array(bytes[length...])
            state = .waiting
            if let deadline { loop.cancel(deadline) }
            deadline = nil
            acceptor.assumeIsolated { $0.visitorCame(self, head, rest: rest) }
        } catch {
            let refusal: Refusal =
                switch error {
                case .malformed, .repeated, .body: .malformed
                case .tooLarge: .headTooLarge
                case .version: .httpVersion
                }
            acceptor.assumeIsolated { $0.visitorFailed(self, refusal) }
        }
    }

    private func writable() {
        guard case .answering(let response, let sent) = state else { return }
        let count = response[sent...].withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0 {
            guard errno == EAGAIN || errno == EINTR else { return leave() }
            return watch(readable: false)
        }
        guard sent + count >= response.count else {
            state = .answering(response, sent: sent + count)
            return watch(readable: false)
        }
        state = .lingering
        shutdown(descriptor, Int32(SHUT_WR))
        watch(readable: true)
    }

    private func watch(readable: Bool) {
        unwatch()
        watch = loop.watch(descriptor: descriptor, readable: readable, writable: !readable) { [weak self] in
            if readable { self?.readable() } else { self?.writable() }
        }
    }

    private func unwatch() {
        if let watch { loop.cancel(watch) }
        watch = nil
    }

    private func expect(within time: Duration, _ late: @escaping @Sendable (Visitor) -> Void) {
        if let deadline { loop.cancel(deadline) }
        deadline = loop.schedule(at: loop.now + time) { [weak self] in
            guard let self else { return }
            self.deadline = nil
            late(self)
        }
    }

    private func stopWatching() {
        unwatch()
        if let deadline { loop.cancel(deadline) }
        deadline = nil
    }
}
