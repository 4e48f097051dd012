import NIOCore

/// What one captured frame carries; the bytes are looked up in the prepared voice when it is sent.
package enum FrameSource: Hashable, Sendable {
    case speech(clip: Int, frame: Int)
    /// The microphone is on and nobody speaks: the room's quiet noise, which goes round and round.
    case room(frame: Int)
}

/// Everything captured and not yet acknowledged: the client's half of "no spoken word is lost". A cursor stands at the
/// next frame to send; a rejoin puts it back to `resend_from`, and live frames queue behind what is sent again.
package struct UplinkMemory: Sendable {
    package struct Kept: Hashable, Sendable {
        /// Capture clock, 48 kHz units mod 2^32.
        package var timestamp: UInt32
        package var source: FrameSource
    }

    /// Ten minutes of 20 ms frames, the most a client keeps.
    package static let mostFrames = 30_000

    private var kept = CircularBuffer<Kept>()
    /// Index into `kept` of the next frame to send.
    private var cursor = 0
    /// The highest cursor ever, as an index into `kept`: what lies below has been sent before.
    private var sentOnce = 0
    /// Frames that fell out at the old end without having been acknowledged.
    package private(set) var forgotten = 0

    package init() {}

    package var count: Int { kept.count }
    package var unsent: Int { kept.count - cursor }
    /// Capture time of the oldest frame that is kept.
    package var oldest: UInt32? { kept.first?.timestamp }

    package mutating func captured(_ source: FrameSource, at timestamp: UInt32) {
        kept.append(Kept(timestamp: timestamp, source: source))
        if kept.count > Self.mostFrames {
            drop(1)
            forgotten += 1
        }
    }

    /// The next frame to send, and whether it has been sent before.
    package mutating func next() -> (frame: Kept, again: Bool)? {
        guard cursor < kept.count else { return nil }
        let frame = kept[offset: cursor]
        let again = cursor < sentOnce
        cursor += 1
        sentOnce = max(sentOnce, cursor)
        return (frame, again)
    }

    /// Uplink before `timestamp` is durable. Never forgets what has not been sent, whatever a peer claims.
    package mutating func acknowledged(before timestamp: UInt32) {
        var known = 0
        while known < cursor, SerialDistance.between(kept[offset: known].timestamp, timestamp) > 0 { known += 1 }
        drop(known)
    }

    /// A new connection of the same page life. `timestamp` nil: it asks for nothing, everything kept goes again.
    package mutating func resend(from timestamp: UInt32?) {
        cursor = 0
        guard let timestamp else { return }
        while cursor < kept.count, SerialDistance.between(kept[offset: cursor].timestamp, timestamp) > 0 { cursor += 1 }
    }

    /// Everything is forgotten, acknowledged or not: what no client may do.
    package mutating func forgetAll() {
        forgotten += kept.count
        drop(kept.count)
    }

    private mutating func drop(_ frames: Int) {
        kept.removeFirst(frames)
        cursor = max(0, cursor - frames)
        sentOnce = max(0, sentOnce - frames)
    }
}
