/// Follows the frames of a server's WebSocket stream without looking at what they carry (RFC 6455, 5.2): who passes such
/// a stream on needs to know where a frame of its own would fit.
///
///      0               1               2 …
///     |F|R|R|R| op(4) |M| length (7)  | 0, 2 or 8 bytes of length | payload
package struct ServerFrames: Sendable, Hashable {
    /// What no server of ours sends: whoever is at the other end is not what it claims.
    package enum Fault: Error, Sendable, Hashable {
        /// A client's frame.
        case masked
        /// An extension that nobody has agreed to, or an unknown opcode.
        case reserved
        /// Over `longestPayload`.
        case tooLong
        /// Something behind the close frame.
        case afterClose
    }

    /// Far beyond any message of `voiced.v1`.
    package static let longestPayload: UInt64 = 1 << 20

    private enum State: Hashable {
        case first
        case length(isClose: Bool)
        case longLength(bytesLeft: Int, value: UInt64, isClose: Bool)
        case payload(bytesLeft: UInt64, isClose: Bool)
    }
    private var state = State.first
    /// A whole close frame has passed.
    package private(set) var isClosed = false

    package init() {}

    /// Nothing of a frame has passed that has not passed to its end.
    package var isAtBoundary: Bool { state == .first }

    /// Follows the next bytes of the stream. Returns how many of them lie before the last boundary among them, 0 when no
    /// frame ended within.
    package mutating func passed(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> Int {
        var index = 0
        var boundary = 0
        while index < bytes.count {
            if case .payload(let left, let isClose) = state {
                let step = min(left, UInt64(bytes.count - index))
                index += Int(step)
                if step < left {
                    state = .payload(bytesLeft: left - step, isClose: isClose)
                } else {
                    frameEnded(isClose: isClose)
                }
            } else {
                try headerByte(bytes[index])
                index += 1
            }
            if isAtBoundary { boundary = index }
        }
        return boundary
    }

    private mutating func headerByte(_ byte: UInt8) throws(Fault) {
        switch state {
        case .first:
            guard !isClosed else { throw .afterClose }
            guard byte & 0x70 == 0, [0, 1, 2, 8, 9, 10].contains(byte & 0x0f) else { throw .reserved }
            state = .length(isClose: byte & 0x0f == 8)
        case .length(let isClose):
            guard byte & 0x80 == 0 else { throw .masked }
            switch byte {
            case 126: state = .longLength(bytesLeft: 2, value: 0, isClose: isClose)
            case 127: state = .longLength(bytesLeft: 8, value: 0, isClose: isClose)
            default: begin(payload: UInt64(byte), isClose: isClose)
            }
        case .longLength(let left, let value, let isClose):
            // Checked at every byte, so that eight of them cannot overflow.
            let value = value << 8 | UInt64(byte)
            guard value <= Self.longestPayload else { throw .tooLong }
            if left > 1 {
                state = .longLength(bytesLeft: left - 1, value: value, isClose: isClose)
            } else {
                begin(payload: value, isClose: isClose)
            }
        case .payload: break
        }
    }

    private mutating func begin(payload: UInt64, isClose: Bool) {
        if payload == 0 { frameEnded(isClose: isClose) } else { state = .payload(bytesLeft: payload, isClose: isClose) }
    }

    private mutating func frameEnded(isClose: Bool) {
        state = .first
        if isClose { isClosed = true }
    }

    /// A server's close frame without a reason (RFC 6455, 5.5.1).
    package static func close(code: UInt16) -> [UInt8] { [0x88, 2, UInt8(code >> 8), UInt8(code & 0xff)] }
}
