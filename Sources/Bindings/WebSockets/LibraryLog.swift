import CLibWebSockets
import EventLoops
import Glibc

/// The library logs through one function of the process. Errors only: its libev part logs every event as a notice.
enum LibraryLog {
    private static let lock = LoopLock()
    nonisolated(unsafe) private static var sink: (@Sendable (String) -> Void)?
    nonisolated(unsafe) private static var listener: (thread: pthread_t, lines: [String])?
    private static let install: Void = {
        unsafe voiced_lws_set_log(LLL_ERR) { _, line in
            guard let line = unsafe line else { return }
            LibraryLog.emit(unsafe String(cString: line))
        }
    }()

    static func prepare() { _ = install }

    static func set(_ sink: (@Sendable (String) -> Void)?) {
        prepare()
        lock.withLock { unsafe self.sink = sink }
    }

    /// What the library complains of while `body` runs, on this thread. One at a time.
    static func lines(_ body: () -> OpaquePointer?) -> (OpaquePointer?, [String]) {
        lock.withLock { unsafe listener = (pthread_self(), []) }
        let result = unsafe body()
        let lines = lock.withLock {
            defer { unsafe listener = nil }
            return unsafe listener?.lines ?? []
        }
        return unsafe (result, lines)
    }

    private static func emit(_ line: String) {
        // An error line of the library that stands for no error: one for every adopted socket.
        if line.contains("calling service") { return }
        var text = Substring(line)
        while let last = text.last, last.isNewline { text.removeLast() }
        // The line that explains a failed handshake comes on the loop's own thread, just before the failure.
        (EventLoop.current?.attachment as? WebSocketContext)?.lastError = String(text)
        let sink = lock.withLock {
            if let thread = unsafe listener?.thread, pthread_equal(thread, pthread_self()) != 0 {
                unsafe listener?.lines.append(String(text))
            }
            return unsafe self.sink
        }
        sink?(String(text))
    }
}
