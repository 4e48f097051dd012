import CLibEv

/// Names a descriptor that a loop watches.
package struct LoopWatch: Hashable, Sendable {
    let id: UInt64
}

/// Watching plain descriptors, for what has no library of its own: the acceptor's sockets.
extension EventLoop {
    /// Calls `action` on the loop whenever `descriptor` is readable or writable, as asked for (level-triggered). The
    /// descriptor must stay open until `cancel`. On the loop only.
    package func watch(
        descriptor: Int32, readable: Bool, writable: Bool, _ action: @escaping @Sendable () -> Void
    ) -> LoopWatch {
        assertOnLoop()
        nextID &+= 1
        let events = (readable ? Int32(EV_READ) : 0) | (writable ? Int32(EV_WRITE) : 0)
        let box = WatchBox(descriptor: descriptor, events: events, action: action)
        watches[nextID] = box
        unsafe box.start(on: raw)
        return LoopWatch(id: nextID)
    }

    /// After this the action will not run. Unknown watches are ignored. On the loop only.
    package func cancel(_ watch: LoopWatch) {
        assertOnLoop()
        unsafe watches.removeValue(forKey: watch.id)?.stop(on: raw)
    }
}

@safe
final class WatchBox {
    private let watcher = UnsafeMutablePointer<ev_io>.allocate(capacity: 1)
    private let action: @Sendable () -> Void

    init(descriptor: Int32, events: Int32, action: @escaping @Sendable () -> Void) {
        self.action = action
        unsafe watcher.initialize(to: ev_io())
        unsafe watcher.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        unsafe voiced_ev_io_init(
            watcher,
            { _, watcher, _ in
                guard let data = unsafe watcher?.pointee.data else { return }
                // Held for the call: the action may cancel its own watch.
                let box = unsafe Unmanaged<WatchBox>.fromOpaque(data).takeUnretainedValue()
                box.action()
            }, descriptor, events)
    }

    deinit { unsafe watcher.deallocate() }

    func start(on loop: OpaquePointer) { unsafe ev_io_start(loop, watcher) }
    func stop(on loop: OpaquePointer) { unsafe ev_io_stop(loop, watcher) }
}
