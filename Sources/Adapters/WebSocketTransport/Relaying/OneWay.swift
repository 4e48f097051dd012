import EventLoops
import Glibc
import Ports

/// Passes bytes from one socket to another through a bounded buffer: while that is full, the source is not read, and
/// TCP holds its sender back. Touched on its loop only; the descriptors are its owner's.
final class OneWay: @unchecked Sendable {
    enum Limits {
        /// Between reading and writing, per direction: a second of PCM, six of Opus.
        static let bufferBytes = 32_768
        /// Room for a close frame behind a full buffer.
        static let reserve = 16
    }

    enum End: Sendable, Hashable {
        /// The source has ended; what it sent may still lie in the buffer.
        case sourceEnded
        case sourceBroken
        case sinkBroken
        /// `inspect` did not like what came.
        case nonsense
    }

    private let loop: EventLoop
    private let source: Int32
    private let sink: Int32
    /// Looks at what has been read, before it is passed on; false: not fit to be.
    private let inspect: (UnsafeRawBufferPointer) -> Bool
    private let ended: (End) -> Void

    private var buffer = [UInt8](repeating: 0, count: Limits.bufferBytes + Limits.reserve)
    private var first = 0
    private var behind = 0
    private var reads: LoopWatch?
    private var writes: LoopWatch?
    private var isSourceOver = false
    private var drained: (() -> Void)?
    /// When a byte last went through.
    private(set) var movedAt: Duration
    /// Of the stream, read so far and passed on so far.
    private(set) var read = 0
    private(set) var written = 0

    /// `ended` is called at most once, except that `sinkBroken` may follow `sourceEnded`.
    init(
        loop: EventLoop, from source: Int32, to sink: Int32, inspect: @escaping (UnsafeRawBufferPointer) -> Bool,
        ended: @escaping (End) -> Void
    ) {
        self.loop = loop
        self.source = source
        self.sink = sink
        self.inspect = inspect
        self.ended = ended
        movedAt = loop.now
    }

    var isEmpty: Bool { first == behind }
    /// Bytes that wait for the sink.
    var waiting: Int { behind - first }

    /// `initial`, at most `bufferBytes`, has been read by somebody else; it is not inspected.
    func start(with initial: ArraySlice<UInt8>) {
        append(initial)
        flush()
    }

    /// Reads no more. What waits is still written.
    func stopReading() {
        isSourceOver = true
        if let reads { loop.cancel(reads) }
        reads = nil
    }

    /// Neither reads nor writes any more.
    func stop() {
        stopReading()
        if let writes { loop.cancel(writes) }
        writes = nil
        first = behind
        drained = nil
    }

    /// Takes back what lies behind byte `position` of the stream and says `last` instead. False when bytes behind it have
    /// been written already. `last`: at most `reserve` bytes. Reads no more.
    func end(at position: Int, with last: [UInt8]) -> Bool {
        stopReading()
        guard position >= written else { return false }
        behind -= read - position
        read = position
        append(last[...])
        flush()
        return true
    }

    /// Calls `action` once when nothing waits any more; at once when that is now.
    func whenDrained(_ action: @escaping () -> Void) {
        if isEmpty { action() } else { drained = action }
    }

    private func append(_ bytes: ArraySlice<UInt8>) {
        compact()
        buffer.replaceSubrange(behind..<(behind + bytes.count), with: bytes)
        behind += bytes.count
        read += bytes.count
    }

    private func compact() {
        guard first > 0 else { return }
        buffer.withUnsafeMutableBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: bytes[0..<(behind - first)]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[first..<behind]))
        }
        behind -= first
        first = 0
    }

    private func readable() {
        if behind >= Limits.bufferBytes { compact() }
        let room = Limits.bufferBytes - behind
        guard !isSourceOver, room > 0 else { return updateReading() }
        let start = behind
        let count = buffer.withUnsafeMutableBytes { recv(source, $0.baseAddress?.advanced(by: start), room, 0) }
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            stopReading()
            return ended(count == 0 ? .sourceEnded : .sourceBroken)
        }
        movedAt = loop.now
        let fit = buffer.withUnsafeBytes { inspect(UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)])) }
        guard fit else {
            // Not counted: it never was part of the stream.
            stopReading()
            return ended(.nonsense)
        }
        behind += count
        read += count
        flush()
    }

    private func flush() {
        while !isEmpty {
            let (from, to) = (first, behind)
            let count = buffer.withUnsafeBytes {
                send(sink, $0.baseAddress?.advanced(by: from), to - from, Int32(MSG_NOSIGNAL))
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                stop()
                return ended(.sinkBroken)
            }
            first += count
            written += count
            movedAt = loop.now
        }
        if isEmpty {
            first = 0
            behind = 0
            if let writes { loop.cancel(writes) }
            writes = nil
        } else if writes == nil {
            writes = loop.watch(descriptor: sink, readable: false, writable: true) { [weak self] in self?.flush() }
        }
        updateReading()
        if isEmpty, let drained {
            self.drained = nil
            drained()
        }
    }

    private func updateReading() {
        let wanted = !isSourceOver && waiting < Limits.bufferBytes
        if wanted, reads == nil {
            reads = loop.watch(descriptor: source, readable: true, writable: false) { [weak self] in
                self?.readable()
            }
        } else if !wanted, let reads {
            loop.cancel(reads)
            self.reads = nil
        }
    }
}
