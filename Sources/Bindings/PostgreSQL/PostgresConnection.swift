import CLibPQ
import Glibc

/// One connection, on a thread of its own, by libpq. It knows how to connect, to exchange statements for rows and to
/// hear notifications, each with a deadline; it neither reconnects nor retries, and has no opinion about any table.
///
/// Everything that can block waits in `poll` with a deadline. The exception is the resolver: libpq looks a host name
/// up while it connects, and that takes as long as the system's resolver allows.
package actor PostgresConnection {
    private let executor = ConnectionExecutor()
    nonisolated let interruption = Interruption()
    var library: LibraryConnection?
    /// Exchanges use libpq's pipeline mode, scripts and LISTEN do not.
    var isPipelining = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    package init() {}

    package var isOpen: Bool { library != nil }
    /// 150_020 is 15.20; 0 when not connected. Behind PgBouncer it is the server's as PgBouncer has seen it.
    package var serverVersion: Int { library.map { unsafe Int(PQserverVersion($0.handle)) } ?? 0 }

    /// Throws `.connection` with the server's reason or 08001, or `.deadline`.
    package func connect(to address: PostgresAddress, within limit: Duration) throws(PostgresError) {
        library = nil
        isPipelining = false
        let deadline = ContinuousClock.now.advanced(by: limit)
        guard let started = unsafe LibraryConnection(starting: Self.start(address)) else { throw .unreachable }
        var step = PGRES_POLLING_WRITING
        while step != PGRES_POLLING_OK {
            guard step != PGRES_POLLING_FAILED, !started.isBad else { throw Self.refusal(of: started) }
            switch try started.wait(
                writing: step == PGRES_POLLING_WRITING, wake: interruption.descriptor, until: deadline)
            {
            case .ready: step = unsafe PQconnectPoll(started.handle)
            case .interrupted: throw .closed
            case .late: throw .deadline
            }
        }
        guard unsafe PQsetnonblocking(started.handle, 1) == 0 else { throw .unreachable }
        library = started
    }

    /// Also ends what is waiting at this moment, which throws 08003. There is no way back.
    package nonisolated func interrupt() { interruption.raise() }

    package func close() { library = nil }

    /// True when the other side has closed the connection while nobody looked. Costs no round trip.
    package func isStale() -> Bool {
        guard let library, !library.isBad else { return true }
        // A server that goes says so first, and what closes the connection is behind that.
        for _ in 0..<8 {
            var polled = unsafe pollfd(fd: PQsocket(library.handle), events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&polled, 1, 0) != 0 else { return false }
            guard unsafe PQconsumeInput(library.handle) == 1, !library.isBad else { break }
        }
        self.library = nil
        return true
    }

    private static func start(_ address: PostgresAddress) -> OpaquePointer? {
        let parameters = address.parameters
        return unsafe withCStrings(parameters.map(\.name)) { names in
            unsafe withCStrings(parameters.map(\.value)) { values in
                unsafe PQconnectStartParams(names, values, 1)
            }
        }
    }

    private static func refusal(of connection: LibraryConnection) -> PostgresError {
        if let state = connection.stateOfLastError { return .connection(code: state) }
        // libpq gives up by itself when the server asks for a password and there is none: `invalid_password`.
        if unsafe PQconnectionNeedsPassword(connection.handle) == 1 { return .connection(code: "28P01") }
        return .unreachable
    }
}

/// C's array of strings with a nil behind it, for the length of `body`.
func withCStrings<Value>(
    _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = unsafe strings.map { unsafe $0.map { unsafe strdup($0) } ?? nil }
    defer { unsafe copies.forEach { unsafe free($0) } }
    let pointers = unsafe UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: copies.count + 1)
    defer { unsafe pointers.deallocate() }
    for index in unsafe copies.indices {
        unsafe (pointers + index).initialize(to: copies[index].map { unsafe UnsafePointer($0) })
    }
    unsafe (pointers + copies.count).initialize(to: nil)
    return unsafe body(UnsafePointer(pointers))
}
