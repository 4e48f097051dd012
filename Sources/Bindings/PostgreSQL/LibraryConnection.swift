import CLibPQ
import Glibc

/// libpq's own connection, freed with this object, and a wait for its socket that another thread can end.
@safe final class LibraryConnection {
    let handle: OpaquePointer

    init?(starting handle: OpaquePointer?) {
        guard let handle = unsafe handle else { return nil }
        unsafe self.handle = unsafe handle
        // libpq prints notices to standard error, and shortens errors to severity and SQLSTATE when asked.
        unsafe PQsetNoticeReceiver(handle, { _, _ in }, nil)
        unsafe PQsetErrorVerbosity(handle, PQERRORS_SQLSTATE)
    }

    deinit { unsafe PQfinish(handle) }

    var isBad: Bool { unsafe PQstatus(handle) == CONNECTION_BAD }

    enum Waited {
        case ready
        case interrupted
        case late
    }

    /// Returns when the socket can be read (or written, when asked), when `wake` can be read, or at `deadline`.
    func wait(writing: Bool, wake: Int32, until deadline: ContinuousClock.Instant) throws(PostgresError) -> Waited {
        let socket = unsafe PQsocket(handle)
        guard socket >= 0 else { throw .lost }
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return .late }
            let (seconds, attoseconds) = left.components
            // Rounded up: a wait that is a little short would spin.
            let milliseconds = min(seconds, 3_600) * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
            var polled = [
                pollfd(fd: socket, events: Int16(writing ? POLLIN | POLLOUT : POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe polled.withUnsafeMutableBufferPointer { polled in
                unsafe poll(polled.baseAddress, nfds_t(polled.count), Int32(clamping: milliseconds))
            }
            if count < 0 {
                guard errno == EINTR else { throw .lost }
                continue
            }
            if polled[1].revents != 0 { return .interrupted }
            if polled[0].revents != 0 { return .ready }
        }
    }

    /// The SQLSTATE in the last error's text, which `PQERRORS_SQLSTATE` has made its last word; libpq has no other door
    /// to it while a connection is being made. Nil when the server said nothing.
    var stateOfLastError: String? {
        guard let message = unsafe PQerrorMessage(handle) else { return nil }
        let text = unsafe String(cString: message)
        guard let word = text.split(whereSeparator: \.isWhitespace).last, word.utf8.count == 5,
            word.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) })
        else { return nil }
        return String(word)
    }
}

/// A descriptor that becomes readable when somebody says so, once and for good.
final class Interruption: Sendable {
    let descriptor: Int32
    private let writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        // Without descriptors (EMFILE) nothing can be interrupted; `poll` passes over the -1.
        _ = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        descriptor = ends[0]
        writing = ends[1]
    }

    deinit {
        Glibc.close(descriptor)
        Glibc.close(writing)
    }

    func raise() {
        var byte: UInt8 = 0
        _ = unsafe send(writing, &byte, 1, Int32(Int(MSG_DONTWAIT) | Int(MSG_NOSIGNAL)))
    }
}
