import EventLoops
import Glibc
import Ports
import WebSockets
import WireFormats

/// One request to another process and its answer: connects, sends a head, reads what comes back. For the question whose
/// a session is, and for the beginning of a relay. Touched on its loop only; keeps itself alive until it has told its
/// outcome or was cancelled.
final class OwnerExchange: @unchecked Sendable {
    enum Outcome: Sendable {
        /// 101: the connection is the caller's now. `received` begins with the head, of `headLength` bytes.
        case upgraded(descriptor: Int32, received: [UInt8], headLength: Int)
        /// Anything else, whole.
        case answered(ResponseHead, body: [UInt8])
        /// Nobody there, nothing in time, or nothing that could be an answer of ours.
        case failed
    }

    enum Limits {
        /// A whole answer.
        static let answerBytes = 16_384
        /// What the kernel may keep of the owner's bytes: what lies there has arrived as far as the owner knows, and a
        /// participant who reads too slowly shall not look fast for long.
        static let receiveBuffer: Int32 = 32_768
    }

    private enum State {
        case idle
        case resolving
        case connecting(Int32)
        case sending(Int32, sent: Int)
        case reading(Int32)
        case over
    }

    private let loop: EventLoop
    private let request: [UInt8]
    private var state = State.idle
    private var addresses: [String] = []
    private var port: UInt16 = 0
    private var received: [UInt8] = []
    private var head: ResponseHead?
    private var watch: LoopWatch?
    private var deadline: LoopTimer?
    private var answerDeadline: Duration = .zero
    private var done: (@Sendable (Outcome) -> Void)?

    init(loop: EventLoop, request: [UInt8]) {
        self.loop = loop
        self.request = request
    }

    /// Once. `connectWithin` counts from now, `answerWithin` too. `done` is called once, never from within this call.
    func start(
        _ address: String, resolver: HostResolver, connectWithin: Duration, answerWithin: Duration,
        done: @escaping @Sendable (Outcome) -> Void
    ) {
        self.done = done
        let now = loop.now
        answerDeadline = now + answerWithin
        // Strong: nobody else keeps an exchange.
        deadline = loop.schedule(at: now + min(connectWithin, answerWithin)) { self.late() }
        state = .resolving
        guard let peer = PeerAddress(address) else {
            _ = loop.schedule(at: now) { self.finish(.failed) }
            return
        }
        port = peer.port
        Task {
            let addresses = (try? await resolver.resolve(peer.host, port: peer.port)) ?? []
            self.loop.post { self.resolved(addresses) }
        }
    }

    /// Nothing is told any more.
    func cancel() {
        done = nil
        finish(.failed)
    }

    private func resolved(_ addresses: [String]) {
        guard case .resolving = state else { return }
        self.addresses = addresses
        connectToNext()
    }

    private func connectToNext() {
        stopWatching()
        while !addresses.isEmpty {
            let address = addresses.removeFirst()
            let begun = PeerAddress.connecting(to: address, port: port, receiveBuffer: Limits.receiveBuffer)
            guard let descriptor = begun else { continue }
            state = .connecting(descriptor)
            return watch(descriptor, readable: false)
        }
        state = .resolving
        finish(.failed)
    }

    private func ready() {
        switch state {
        case .idle, .resolving, .over: break
        case .connecting(let descriptor):
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else {
                Self.closeDescriptor(descriptor)
                return connectToNext()
            }
            if let deadline { loop.cancel(deadline) }
            deadline = loop.schedule(at: answerDeadline) { self.late() }
            state = .sending(descriptor, sent: 0)
            write(descriptor, from: 0)
        case .sending(let descriptor, let sent): write(descriptor, from: sent)
        case .reading(let descriptor): read(descriptor)
        }
    }

    private func write(_ descriptor: Int32, from sent: Int) {
        let count = request[sent...].withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count >= 0 else {
            if errno != EAGAIN, errno != EINTR { finish(.failed) }
            return
        }
        guard sent + count >= request.count else {
            state = .sending(descriptor, sent: sent + count)
            return
        }
        state = .reading(descriptor)
        watch(descriptor, readable: true)
    }

    private func read(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else {
            if errno != EAGAIN, errno != EINTR { finish(.failed) }
            return
        }
        received.append(contentsOf: buffer[..<count])
        guard received.count <= Limits.answerBytes else { return finish(.failed) }
        do { if head == nil { head = try ResponseHead.parse(received) } } catch { return finish(.failed) }
        guard let head else {
            if count == 0 { finish(.failed) }
            return
        }
        switch head.status {
        case 101:
            guard count > 0 else { return finish(.failed) }
            stopWatching()
            state = .over
            finish(.upgraded(descriptor: descriptor, received: received, headLength: head.length))
        case 200...599:
            let whole = head.contentLength.map { received.count - head.length >= $0 } ?? false
            guard whole || count == 0 else { return }
            // Ended early: half an answer is none.
            guard whole || head.contentLength == nil else { return finish(.failed) }
            let body = received[head.length...].prefix(head.contentLength ?? .max)
            finish(.answered(head, body: Array(body)))
        default: finish(.failed)
        }
    }

    private func late() {
        deadline = nil
        finish(.failed)
    }

    private func finish(_ outcome: Outcome) {
        switch state {
        case .connecting(let descriptor), .sending(let descriptor, _), .reading(let descriptor):
            stopWatching()
            Self.closeDescriptor(descriptor)
        case .idle, .resolving, .over: break
        }
        state = .over
        if let deadline { loop.cancel(deadline) }
        deadline = nil
        let done = self.done
        self.done = nil
        done?(outcome)
    }

    static func closeDescriptor(_ descriptor: Int32) { Glibc.close(descriptor) }

    private func watch(_ descriptor: Int32, readable: Bool) {
        stopWatching()
        watch = loop.watch(descriptor: descriptor, readable: readable, writable: !readable) { [weak self] in
            self?.ready()
        }
    }

    private func stopWatching() {
        if let watch { loop.cancel(watch) }
        watch = nil
    }
}
