import Glibc

/// The input in hand, in memory that worker and supervisor share: when a worker dies, the input that killed it and all
/// counts are still there.
final class HandFile {
    static let longestInput = 1 << 20
    static let mostTargets = 64
    private static let headerBytes = 8_192
    private static let longestMessage = 4_096

    private enum Field: Int {
        case target, index, length, messageLength, all
    }
    private static let counts = 64
    private static let messages = 4_096

    private let memory: GuardedMemory

    /// `making`: the supervisor makes it, the worker finds it.
    init(_ path: String, making: Bool) throws(FuzzError) {
        let file = making ? creat(path, 0o600) : -1
        if making { close(file) }
        let both = open(path, O_RDWR)
        guard both >= 0 else { throw .noFile(path) }
        defer { close(both) }
        if making, ftruncate(both, off_t(Self.headerBytes + Self.longestInput)) != 0 { throw .noFile(path) }
        memory = try GuardedMemory(capacity: Self.longestInput, header: Self.headerBytes, file: both)
    }

    private subscript(field: Field) -> Int {
        get { memory.header.load(fromByteOffset: field.rawValue * 8, as: Int.self) }
        set { memory.header.storeBytes(of: newValue, toByteOffset: field.rawValue * 8, as: Int.self) }
    }

    // MARK: What is in hand

    func begin(target: Int, index: UInt64) {
        self[.target] = target
        self[.index] = Int(truncatingIfNeeded: index)
        self[.length] = 0
        self[.messageLength] = 0
    }

    func put(_ input: [UInt8]) -> UnsafeRawBufferPointer {
        let input = input.prefix(Self.longestInput)
        let placed = input.withUnsafeBytes { memory.place($0) }
        self[.length] = input.count
        return placed
    }

    /// An invariant is broken.
    func complain(_ message: String) {
        let bytes = Array(message.utf8.prefix(Self.longestMessage))
        UnsafeMutableRawBufferPointer(start: memory.header + Self.messages, count: bytes.count).copyBytes(from: bytes)
        self[.messageLength] = bytes.count
    }

    var target: Int { self[.target] }
    var index: Int { self[.index] }
    var input: [UInt8] { Array(memory.last(self[.length])) }
    /// Nil: none is broken.
    var message: String? {
        let length = min(max(self[.messageLength], 0), Self.longestMessage)
        guard length > 0 else { return nil }
        return String(
            decoding: UnsafeRawBufferPointer(start: memory.header + Self.messages, count: length), as: UTF8.self)
    }

    // MARK: Counts

    /// Inputs of a target that this worker has finished (or died of), and how many of them made sense.
    func done(_ target: Int) -> Int { memory.header.load(fromByteOffset: Self.counts + target * 16, as: Int.self) }
    func accepted(_ target: Int) -> Int {
        memory.header.load(fromByteOffset: Self.counts + target * 16 + 8, as: Int.self)
    }

    func count(_ target: Int, accepted: Bool) {
        let place = Self.counts + target * 16
        memory.header.storeBytes(of: done(target) + 1, toByteOffset: place, as: Int.self)
        if accepted { memory.header.storeBytes(of: self.accepted(target) + 1, toByteOffset: place + 8, as: Int.self) }
        self[.all] += 1
    }

    /// Inputs of all targets; grows as long as the worker lives.
    var all: Int { self[.all] }
}
