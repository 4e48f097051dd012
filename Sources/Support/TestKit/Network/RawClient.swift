import Glibc

/// A WebSocket client without a library: it sends exactly the bytes that a test wants sent. Blocking, with a limit.
package final class RawClient: Sendable {
    package struct Frame: Equatable, Sendable {
        package var isFinal: Bool
        package var opcode: UInt8
        package var payload: [UInt8]

        package init(isFinal: Bool = true, opcode: UInt8, payload: [UInt8]) {
            self.isFinal = isFinal
            self.opcode = opcode
            self.payload = payload
        }

        package var text: String { String(decoding: payload, as: UTF8.self) }

        package var closeCode: UInt16? {
            guard opcode == 8, payload.count >= 2 else { return nil }
            return (UInt16(payload[0]) << 8) | UInt16(payload[1])
        }
    }

    package struct Failure: Error { package var errno: Int32 }

    let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { Glibc.close(descriptor) }

    /// Both ends of a TCP connection: ours, and the accepted one.
    package static func pair() throws -> (RawClient, Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(listener) }
        var port: UInt16 = 0
        let bound = withLoopback(port: 0) { address, length in
            var length = length
            return bind(listener, address, length) == 0 && listen(listener, 1) == 0
                && getsockname(listener, UnsafeMutablePointer(mutating: address), &length) == 0
        } then: {
            port = UInt16(bigEndian: $0.sin_port)
        }
        guard bound else { throw Failure(errno: errno) }
        let client = try connect(port: port)
        return (client, accept(listener, nil, nil))
    }

    /// `receiveBuffer`: bytes that the kernel may keep for us; nil: as it likes.
    package static func connect(port: UInt16, receiveBuffer: Int32? = nil) throws -> RawClient {
        let client = RawClient(descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        if var size = receiveBuffer {
            setsockopt(client.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(client.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withLoopback(port: port) { Glibc.connect(client.descriptor, $0, $1) == 0 }
        guard connected else { throw Failure(errno: errno) }
        return client
    }

    private static func withLoopback(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool, then: (sockaddr_in) -> Void = { _ in }
    ) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        then(address)
        return result
    }

    package func close() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    package func write(_ text: String) throws { try write(Array(text.utf8)) }

    package func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(errno: errno) }
            sent += count
        }
    }

    /// Up to and with the empty line.
    package func readHead() throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard let byte = try read(1) else { throw Failure(errno: ECONNRESET) }
            head += byte
        }
        return String(decoding: head, as: UTF8.self)
    }

    /// Nil at the end of the connection.
    package func readFrame() throws -> Frame? {
        guard let head = try read(2) else { return nil }
        var length = Int(head[1] & 0x7f)
        if length == 126, let bytes = try read(2) { length = (Int(bytes[0]) << 8) | Int(bytes[1]) }
        if length == 127, let bytes = try read(8) { length = bytes.reduce(0) { ($0 << 8) | Int($1) } }
        guard let payload = try read(length) else { return nil }
        return Frame(isFinal: head[0] & 0x80 != 0, opcode: head[0] & 0x0f, payload: payload)
    }

    /// The next `count` bytes as they come; nil at the end of the connection.
    package func readBytes(_ count: Int) throws -> [UInt8]? { try read(count) }

    /// Everything until the other side has closed.
    @discardableResult
    package func readToEnd() throws -> String {
        var bytes: [UInt8] = []
        while let byte = try read(1) { bytes += byte }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func read(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes[filled...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if got == 0 || (got < 0 && errno == ECONNRESET) { return nil }
            guard got > 0 else { throw Failure(errno: errno) }
            filled += got
        }
        return bytes
    }

    /// Masked, as a client's frames are.
    package static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case ..<126: bytes.append(0x80 | UInt8(payload.count))
        case ..<65_536: bytes += [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            bytes.append(0xff)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8((payload.count >> shift) & 255)) }
        }
        let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        bytes += mask
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index & 3]) }
        return bytes
    }
}
