import DequeModule

/// A moment of what a participant said, on all the clocks that matter.
package struct CapturePoint: Hashable, Sendable {
    /// The page load whose clock `timestamp` is.
    package var client: String
    /// On that page's capture clock: what `ack`, `resend_from` and a journalled turn carry.
    package var timestamp: UInt32
    /// 48 kHz units since the conversation began.
    package var position: Int64

    package init(client: String, timestamp: UInt32, position: Int64) {
        self.client = client
        self.timestamp = timestamp
        self.position = position
    }

    package var milliseconds: Int64 { position / AudioUnits.perMillisecond }
}

/// Where in the participant's time each stretch of the sound given to the provider belongs. A provider's VAD counts the
/// sound it was given; silence that we put in for a stalled line and time that passed without sound make that count
/// differ from the participant's clock.
///
/// Kept as anchors, one at each discontinuity; between them both run at the same pace. Where more was given than
/// time passed, the surplus all belongs to the moment it was put in.
struct CaptureMap: Sendable {
    /// Anchors kept. A provider speaks of the last minute; one anchor a stall or pause makes this hours.
    static let limit = 512

    private struct Anchor: Sendable {
        var given: Int64
        var capture: Int64
        var offset: Int64
        var client: String
    }
    private var anchors: Deque<Anchor> = []

    mutating func removeAll() { anchors.removeAll(keepingCapacity: true) }

    /// From `given` (units given to the provider) on, the sound is that of `capture` (unwrapped capture clock of
    /// `client`), whose place in the conversation is `capture + offset`.
    mutating func note(given: Int64, capture: Int64, offset: Int64, client: String) {
        // By index: asked with every frame, and an anchor taken out is a reference counted.
        let last = anchors.endIndex - 1
        if last >= 0, anchors[last].offset == offset, anchors[last].client == client {
            let predicted = anchors[last].capture &+ (given &- anchors[last].given)
            // Under a grain it is rounding, and would make an anchor of every frame.
            if abs(predicted &- capture) < AudioUnits.grain { return }
        }
        if let last = anchors.last, last.given >= given { anchors.removeLast() }
        if anchors.count >= Self.limit { anchors.removeFirst() }
        anchors.append(Anchor(given: given, capture: capture, offset: offset, client: client))
    }

    /// Nil when nothing was given yet, or `given` lies before what is remembered.
    func point(at given: Int64) -> CapturePoint? {
        guard let index = anchors.lastIndex(where: { $0.given <= given }) else { return nil }
        let anchor = anchors[index]
        var capture = anchor.capture &+ (given &- anchor.given)
        let next = index + 1
        if next < anchors.endIndex, anchors[next].client == anchor.client, anchors[next].capture >= anchor.capture {
            capture = min(capture, anchors[next].capture)
        }
        return CapturePoint(
            client: anchor.client, timestamp: UnwrappedClock.timestamp(at: capture),
            position: capture &+ anchor.offset)
    }
}
