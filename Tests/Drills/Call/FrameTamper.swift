/// Finds the WebSocket frames in what a client sends (RFC 6455 section 5.2) and leaves one binary message out. What comes
/// before the upgrade passes as it is.
struct FrameTamper {
    private var pending: [UInt8] = []
    private var upgraded = false
    private var binaries = 0
    private let dropped: Int
    private(set) var hasDropped = false

    /// Binary messages count from 1.
    init(dropping number: Int) { dropped = number }

    /// Takes bytes and returns those to pass on.
    mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
        pending += bytes
        var out: [UInt8] = []
        if !upgraded {
            guard let end = headEnd else { return [] }
            out += pending[..<end]
            pending.removeFirst(end)
            upgraded = true
        }
        while let length = frameLength, pending.count >= length {
            let isBinary = pending[0] & 0x0F == 2
            if isBinary { binaries += 1 }
            if isBinary, binaries == dropped { hasDropped = true } else { out += pending[..<length] }
            pending.removeFirst(length)
        }
        return out
    }

    private var headEnd: Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard pending.count >= mark.count else { return nil }
        return (0...pending.count - mark.count).first { Array(pending[$0..<$0 + mark.count]) == mark }.map { $0 + 4 }
    }

    /// Header, mask and payload of the first frame; nil while its header is incomplete.
    private var frameLength: Int? {
        guard pending.count >= 2 else { return nil }
        let mask = pending[1] & 0x80 != 0 ? 4 : 0
        switch pending[1] & 0x7F {
        case 126:
            guard pending.count >= 4 else { return nil }
            return 4 + mask + (Int(pending[2]) << 8 | Int(pending[3]))
        case 127:
            guard pending.count >= 10 else { return nil }
            return 10 + mask + pending[2..<10].reduce(0) { $0 << 8 | Int($1) }
        case let short: return 2 + mask + Int(short)
        }
    }
}
