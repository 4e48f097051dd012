import Dispatch
import Glibc
import Synchronization
import TestKit

/// A stretch of TCP in front of a server that can stop passing on what clients send after a given number of bytes, as a
/// client does that is stopped in the middle of sending. What servers send always passes.
final class CuttingLink: Sendable {
    private struct State {
        /// Bytes that clients may still send; nil: as many as they like.
        var left: Int?
        var passed = 0
        var sockets: [Int32] = []
        var isClosed = false
    }

    let port: Int
    private let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    init(to target: Int) throws {
        self.target = target
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        port = try FreePorts.take(1)[0]
        var reuse: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        guard Self.withLoopback(port, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else {
            throw ServerFailure("no listener")
        }
        DispatchQueue(label: "cutting.accept").async { [self] in acceptAll() }
    }

    /// Bytes of clients that have passed since the last `cut` or `pass`.
    var passed: Int { state.withLock { $0.passed } }

    func cut(after bytes: Int) {
        state.withLock {
            $0.left = bytes
            $0.passed = 0
        }
    }

    func pass() {
        state.withLock {
            $0.left = nil
            $0.passed = 0
        }
    }

    /// Resets every connection.
    func dropAll() {
        for socket in state.withLock({ $0.sockets }) { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        dropAll()
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0, !state.withLock({ $0.isClosed }) else { break }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard Self.withLoopback(target, { connect(server, $0, $1) }) == 0 else {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            state.withLock { $0.sockets += [client, server] }
            DispatchQueue(label: "cutting.up").async { [self] in carry(from: client, to: server, isCut: true) }
            DispatchQueue(label: "cutting.down").async { [self] in carry(from: server, to: client, isCut: false) }
        }
        Glibc.close(listener)
    }

    private func carry(from source: Int32, to sink: Int32, isCut: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            let allowed = isCut ? take(count) : count
            if allowed > 0, send(sink, buffer, allowed, Int32(MSG_NOSIGNAL)) != allowed { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
    }

    private func take(_ count: Int) -> Int {
        state.withLock { state in
            let allowed = min(count, state.left ?? count)
            state.left = state.left.map { $0 - allowed }
            state.passed += allowed
            return allowed
        }
    }

    private static func withLoopback(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
