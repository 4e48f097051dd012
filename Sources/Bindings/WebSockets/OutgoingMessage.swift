import CLibWebSockets

/// A message that has to wait, behind the room that the library needs for the frame's header.
@safe
final class OutgoingMessage {
    let kind: MessageKind
    private(set) var count: Int
    private let base: UnsafeMutableRawPointer

    /// Nil when `fill` has written nothing.
    init?(_ kind: MessageKind, capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        self.kind = kind
        unsafe base = .allocate(byteCount: voiced_lws_pre &+ capacity, alignment: 16)
        let used = unsafe fill(UnsafeMutableRawBufferPointer(start: base + voiced_lws_pre, count: capacity))
        count = max(0, min(used, capacity))
        if count == 0 { return nil }
    }

    deinit { unsafe base.deallocate() }

    var payload: UnsafeMutableRawPointer { unsafe base + voiced_lws_pre }
}
