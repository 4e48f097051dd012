/// An input read as a programme for a state machine: any bytes are one, so that mutation never makes an illegal input,
/// and a saved input is the whole story. Past the end everything is 0.
struct Program {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next instruction; nil at the end.
    mutating func instruction() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func byte() -> Int { Int(instruction() ?? 0) }
    mutating func flag() -> Bool { byte() & 1 == 1 }
    /// 0 to `limit` - 1, `limit` at most 256.
    mutating func below(_ limit: Int) -> Int { byte() % max(limit, 1) }

    mutating func number16() -> UInt16 { UInt16(truncatingIfNeeded: number(bytes: 2)) }
    mutating func number32() -> UInt32 { UInt32(truncatingIfNeeded: number(bytes: 4)) }
    mutating func number64() -> Int64 { Int64(bitPattern: number(bytes: 8)) }

    private mutating func number(bytes count: Int) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<count { value = value << 8 | UInt64(byte()) }
        return value
    }

    /// A number that breaks things if anything does: extremes, what lies beside them, and small ones.
    mutating func wildNumber() -> Int64 {
        let kind = byte()
        return switch kind & 7 {
        case 0: Int64(kind >> 3)
        case 1: -Int64(kind >> 3)
        case 2: Int64(number16())
        case 3: Int64(number32())
        case 4: 1 << Int64((kind >> 3) * 2)
        case 5: .max - Int64(kind >> 3)
        case 6: .min + Int64(kind >> 3)
        default: number64()
        }
    }

    /// The next bytes, fewer at the end.
    mutating func slice(_ count: Int) -> UnsafeRawBufferPointer {
        let end = min(index + max(count, 0), bytes.count)
        defer { index = end }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<end])
    }

    /// A step forward in time: mostly what a tick is, sometimes seconds, hours or a century.
    mutating func timePassed() -> Duration {
        let kind = byte()
        let amount = kind >> 4
        return switch kind & 15 {
        case 0...5: .milliseconds(20)
        case 6: .zero
        case 7: .nanoseconds(1 + amount)
        case 8: .milliseconds(amount)
        case 9: .milliseconds(amount * 20)
        case 10: .milliseconds(amount * 133)
        case 11: .seconds(amount)
        case 12: .seconds(amount * 61)
        case 13: .seconds(amount * 3_601)
        case 14: .seconds(amount * 86_400)
        default: amount == 15 ? .seconds(3_155_760_000) : .milliseconds(40)
        }
    }
}
