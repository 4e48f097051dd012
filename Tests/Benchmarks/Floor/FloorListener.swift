import EventLoops
import Glibc
import WebSockets

/// Accepts on the loopback, reads a request head to its end and hands the socket over. Admits everybody.
///
/// `@unchecked Sendable`: after `init` everything happens on the context's loop.
final class FloorListener: @unchecked Sendable {
    private static let mostHeadBytes = 8_192

    private let descriptor: Int32
    private let context: WebSocketContext
    private let provider: WebSocketTarget
    private var heads: [Int32: (bytes: [UInt8], watch: LoopWatch)] = [:]
    private var accepting: LoopWatch?

    init(port: UInt16, context: WebSocketContext, provider: WebSocketTarget) throws {
        self.context = context
        self.provider = provider
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError.missing("a socket") }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let descriptor = descriptor
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard bound, listen(descriptor, 1_024) == 0 else { throw BenchError.missing("port \(port)") }
    }

    func start() {
        accepting = context.loop.watch(descriptor: descriptor, readable: true, writable: false) { self.accept() }
    }

    private func accept() {
        while true {
            let visitor = Glibc.accept(descriptor, nil, nil)
            guard visitor >= 0 else { return }
            _ = fcntl(visitor, F_SETFL, O_NONBLOCK)
            var on: Int32 = 1
            setsockopt(visitor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            let watch = context.loop.watch(descriptor: visitor, readable: true, writable: false) { self.read(visitor) }
            heads[visitor] = ([], watch)
        }
    }

    private func read(_ visitor: Int32) {
        guard let (seen, watch) = heads[visitor] else { return }
        var buffer = [UInt8](repeating: 0, count: Self.mostHeadBytes)
        let count = Glibc.read(visitor, &buffer, buffer.count)
        if count < 0, errno == EAGAIN { return }
        let head = seen + buffer.prefix(max(count, 0))
        let isWhole = head.suffix(4).elementsEqual([13, 10, 13, 10])
        if count > 0, !isWhole, head.count < Self.mostHeadBytes {
            heads[visitor]?.bytes = head
            return
        }
        heads[visitor] = nil
        context.loop.cancel(watch)
        guard isWhole else {
            Glibc.close(visitor)
            return
        }
        // A refused one is closed by the binding, and the load reports it.
        guard let session = try? FloorSession(context: context, target: provider) else {
            Glibc.close(visitor)
            return
        }
        _ = try? context.adopt(descriptor: visitor, head: head, handler: session)
    }
}
