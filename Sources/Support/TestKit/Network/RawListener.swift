import Glibc

/// A port on loopback whose connections a test answers byte by byte.
package final class RawListener: Sendable {
    private let descriptor: Int32
    package let port: UInt16

    /// `sendBuffer`: bytes that the kernel may keep of what is written; nil: as it likes.
    package init(sendBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = sendBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, size) = (descriptor, length)
        let listens = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard listens else { throw RawClient.Failure(errno: errno) }
    }

    deinit { Glibc.close(descriptor) }

    /// The next connection; fails after 10 s without one.
    package func accept() throws -> RawClient {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw RawClient.Failure(errno: errno) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return RawClient(descriptor: accepted)
    }
}

extension RawClient {
    /// Closes with a reset, as a killed process with unread bytes does.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        // The descriptor stays ours: it is replaced by one that leads nowhere.
        let nowhere = open("/dev/null", O_RDWR)
        dup2(nowhere, descriptor)
        Glibc.close(nowhere)
    }

    /// Writes `bytes` again and again until nothing has been taken for half a second; the number of bytes taken.
    package func writeUntilStuck(_ bytes: [UInt8], most: Int) throws -> Int {
        var limit = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var sent = 0
        while sent < most {
            let start = sent % bytes.count
            let count = bytes[start...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN { return sent }
            guard count > 0 else { throw Failure(errno: errno) }
            sent += count
        }
        return sent
    }
}
