/// How far a participant's line is behind, counted in audio frames.
///
/// A kernel takes hundreds of kilobytes before it says no, and two seconds of Opus are ten: what waits in our own
/// queue says nothing. So this remembers where in the stream each of the last frames ended, and asks how much of the
/// stream the peer's kernel has acknowledged.
package struct AudioBacklog: Sendable {
    /// Frames of 20 ms, which is what sessions send.
    package static let frame = Duration.milliseconds(20)

    private var ends: [UInt64]
    private var next = 0
    private var written: UInt64 = 0

    /// More than `limit` of audio on the way is too much.
    package init(limit: Duration) {
        ends = Array(repeating: 0, count: max(1, Int(limit / Self.frame)))
    }

    /// Anything else that was sent.
    package mutating func sent(bytes: Int) {
        written &+= UInt64(bytes)
    }

    package mutating func sentFrame(bytes: Int) {
        sent(bytes: bytes)
        ends[next] = written
        next = (next + 1) % ends.count
    }

    /// `outstanding`: bytes that the peer has not acknowledged, wherever they are.
    package func isExceeded(outstanding: Int) -> Bool {
        guard outstanding > 0 else { return false }
        let acknowledged = written > UInt64(outstanding) ? written - UInt64(outstanding) : 0
        // The oldest of the remembered frames: if even that one is still on the way, all of them are.
        return ends[next] > acknowledged
    }
}
