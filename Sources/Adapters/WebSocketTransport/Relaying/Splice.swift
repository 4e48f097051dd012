import EventLoops
import Glibc
import InterviewCore
import Ports
import WireFormats

/// What became of a relay.
package enum RelayEnd: String, Sendable, Hashable, CaseIterable {
    /// By a close frame of the owner, or the participant's own end.
    case ended
    /// The owner's side broke, or said what no owner says.
    case ownerLost = "owner_lost"
    /// Nothing went one way for `stuckAfter`.
    case stuck
    /// This process closes.
    case stopped
    /// No relay came to be: nobody answered.
    case unreachable
    /// No relay came to be: the owner refused.
    case refused

    package var hadBegun: Bool {
        switch self {
        case .ended, .ownerLost, .stuck, .stopped: true
        case .unreachable, .refused: false
        }
    }
}

/// A participant's connection and the owner's, joined: bytes of each go to the other. The owner's frames are followed,
/// so that the participant can be told `1012` between two of them when the owner is gone. Touched on its loop only.
final class Splice: @unchecked Sendable {
    enum Times {
        /// From the end of one side to the end of the other.
        static let closeWithin: Duration = .seconds(5)
    }
    enum Limits {
        /// What the kernel may keep for the participant, see `OwnerExchange.Limits.receiveBuffer`.
        static let sendBuffer: Int32 = 32_768
    }

    private enum State {
        case passing
        /// One side has ended; the other is being told.
        case closing(RelayEnd)
        /// The participant has been told all; its end is awaited, or it would lose what it has not read.
        case lingering(RelayEnd)
        case over
    }

    private let loop: EventLoop
    private let participant: Int32
    private let owner: Int32
    private let stuckAfter: Duration
    private let over: @Sendable (Splice, RelayEnd) -> Void
    private var state = State.passing
    private var up: OneWay?
    private var down: OneWay?
    private var frames = ServerFrames()
    /// Where the owner's last whole frame ended, as a position in its stream.
    private var boundary = 0
    /// Looked at by `frames` so far.
    private var followed = 0
    private var isOwnerOpen = true
    private var timer: LoopTimer?
    private var lingering: LoopWatch?

    /// Both descriptors are non-blocking, and the splice's from here on. `over`: once, not from within `start`.
    init(
        loop: EventLoop, participant: Int32, owner: Int32, stuckAfter: Duration,
        over: @escaping @Sendable (Splice, RelayEnd) -> Void
    ) {
        self.loop = loop
        self.participant = participant
        self.owner = owner
        self.stuckAfter = stuckAfter
        self.over = over
        var size = Limits.sendBuffer
        setsockopt(participant, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Bytes that wait for the participant or for the owner.
    var waiting: Int { (up?.waiting ?? 0) + (down?.waiting ?? 0) }

    /// `received`: what the owner has said so far, beginning with the head of its answer.
    func start(received: [UInt8], headLength: Int) {
        let up = OneWay(loop: loop, from: participant, to: owner, inspect: { _ in true }) { [weak self] end in
            self?.upstreamEnded(end)
        }
        let down = OneWay(
            loop: loop, from: owner, to: participant, inspect: { [weak self] in self?.follow($0) ?? false }
        ) { [weak self] end in self?.downstreamEnded(end) }
        self.up = up
        self.down = down
        followed = headLength
        boundary = headLength
        let fit = received[headLength...].withUnsafeBytes { follow($0) }
        look()
        down.start(with: fit ? received[...] : received[..<headLength])
        up.start(with: [])
        if !fit { downstreamEnded(.nonsense) }
    }

    /// Closes the participant with `1012` and does not wait for anything.
    func stop() {
        part(.stopped)
        if case .over = state { return }
        shutdown(participant, Int32(SHUT_WR))
        // What has come unread would turn the end into a reset, and the close frame with it.
        var buffer = [UInt8](repeating: 0, count: 4_096)
        _ = recv(participant, &buffer, buffer.count, 0)
        finish(.stopped)
    }

    // MARK: The owner's frames

    private func follow(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            let whole = try frames.passed(bytes)
            if whole > 0 { boundary = followed + whole }
            followed += bytes.count
            return true
        } catch { return false }
    }

    // MARK: Ends

    private func upstreamEnded(_ end: OneWay.End) {
        switch end {
        case .sourceEnded:
            // Half closed: the owner gets the rest and the end, and may answer.
            let owner = owner
            up?.whenDrained { shutdown(owner, Int32(SHUT_WR)) }
            close(.ended)
        case .sourceBroken: finish(.ended)
        // What the owner said before it went is still coming down, then its end.
        case .sinkBroken: break
        case .nonsense: break
        }
    }

    private func downstreamEnded(_ end: OneWay.End) {
        switch end {
        case .sinkBroken: finish(.ended)
        case .sourceEnded where frames.isClosed:
            close(.ended)
            down?.whenDrained { [weak self] in self?.linger() }
        case .sourceEnded, .sourceBroken, .nonsense: part(.ownerLost)
        }
    }

    /// The one side has `closeWithin` to end as the other has.
    private func close(_ end: RelayEnd) {
        guard case .passing = state else { return }
        state = .closing(end)
        expect(within: Times.closeWithin)
    }

    /// Ends the owner's side now and the participant's with `1012` behind the last whole frame. In mid-frame, where a close
    /// frame would be taken for the frame's own bytes, the line is cut.
    private func part(_ cause: RelayEnd) {
        let end: RelayEnd
        switch state {
        case .passing: end = cause
        // The first end is what it was.
        case .closing(let earlier): end = earlier
        case .lingering, .over: return
        }
        up?.stop()
        // Before the descriptor goes: nobody may watch it then.
        down?.stopReading()
        closeOwner()
        state = .closing(end)
        expect(within: Times.closeWithin)
        guard !frames.isClosed else {
            down?.whenDrained { [weak self] in self?.linger() }
            return
        }
        let last = ServerFrames.close(code: CloseCode.restart.rawValue)
        guard let down, down.end(at: boundary, with: last) else { return finish(end) }
        if case .closing = state { down.whenDrained { [weak self] in self?.linger() } }
    }

    private func linger() {
        guard case .closing(let end) = state else { return }
        state = .lingering(end)
        up?.stop()
        closeOwner()
        shutdown(participant, Int32(SHUT_WR))
        lingering = loop.watch(descriptor: participant, readable: true, writable: false) { [weak self] in
            self?.drainParticipant()
        }
    }

    private func drainParticipant() {
        guard case .lingering(let end) = state else { return }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(participant, &buffer, buffer.count, 0)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { finish(end) }
    }

    private func finish(_ end: RelayEnd) {
        if case .over = state { return }
        state = .over
        up?.stop()
        down?.stop()
        if let lingering { loop.cancel(lingering) }
        if let timer { loop.cancel(timer) }
        lingering = nil
        timer = nil
        closeOwner()
        Glibc.close(participant)
        // Not from within `start` or a direction's own call.
        _ = loop.schedule(at: loop.now) { self.over(self, end) }
    }

    private func closeOwner() {
        guard isOwnerOpen else { return }
        isOwnerOpen = false
        Glibc.close(owner)
    }

    // MARK: Time

    /// Looks whether bytes still go both ways.
    private func look() {
        timer = loop.schedule(at: loop.now + stuckAfter / 4) { [weak self] in
            guard let self, case .passing = self.state, let up = self.up, let down = self.down else { return }
            guard self.loop.now - min(up.movedAt, down.movedAt) < self.stuckAfter else { return self.part(.stuck) }
            self.look()
        }
    }

    private func expect(within time: Duration) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(at: loop.now + time) { [weak self] in
            guard let self else { return }
            self.timer = nil
            switch self.state {
            case .closing(let end), .lingering(let end): self.finish(end)
            case .passing, .over: break
            }
        }
    }
}
