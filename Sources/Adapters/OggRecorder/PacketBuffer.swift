import Synchronization

/// Packets on their way from a session's loop to the writer's thread: copied into one run of bytes under a lock that is
/// held for a copy or a swap, never for a file.
package final class PacketBuffer: Sendable {
    package enum OnAppended: Hashable, Sendable {
        case gathered
        /// So much has been gathered that the writer should be told.
        case handOver
        /// Full, or finished: not kept.
        case lost
    }

    private struct State {
        var bytes: [UInt8] = []
        var told = false
        var finished = false
        var failed = false
    }
    private let state = Mutex(State())

    /// Track (1 byte), position (8), length (2), packet.
    package init() {}

    private static let headerBytes = 11

    package var failed: Bool { state.withLock { $0.failed } }
    func fail() { state.withLock { $0.failed = true } }
    /// False when it was finished already.
    package func finish() -> Bool {
        state.withLock { state in
            defer { state.finished = true }
            return !state.finished
        }
    }

    package func append(_ track: RecordedTrack, _ packet: UnsafeRawBufferPointer, at position: Int64) -> OnAppended {
        state.withLock { state in
            guard !state.finished else { return .lost }
            guard packet.count <= Int(UInt16.max),
                state.bytes.count + Self.headerBytes + packet.count <= RecorderSettings.mostBytes
            else {
                state.failed = true
                return .lost
            }
            Self.withRun(track, packet, position) { state.bytes.append(contentsOf: $0) }
            guard state.bytes.count >= RecorderSettings.handOverBytes, !state.told else { return .gathered }
            state.told = true
            return .handOver
        }
    }

    /// One run of bytes for one append: this is under the lock, with every packet.
    private static func withRun(
        _ track: RecordedTrack, _ packet: UnsafeRawBufferPointer, _ position: Int64,
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: headerBytes + packet.count) { run in
            let bytes = UnsafeMutableRawBufferPointer(run)
            bytes.storeBytes(of: track.rawValue, as: UInt8.self)
            bytes.storeBytes(of: position.littleEndian, toByteOffset: 1, as: Int64.self)
            bytes.storeBytes(of: UInt16(packet.count).littleEndian, toByteOffset: 9, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: bytes[headerBytes...]).copyMemory(from: packet)
            body(UnsafeBufferPointer(run))
        }
    }

    /// Takes what was gathered; `spare` becomes the next run, for its memory.
    package func take(_ spare: inout [UInt8]) {
        spare.removeAll(keepingCapacity: true)
        state.withLock { state in
            swap(&state.bytes, &spare)
            state.told = false
        }
    }

    /// Calls `body` for each packet in `bytes`, a run that `take` gave.
    package static func forEach(
        in bytes: [UInt8], _ body: (_ track: RecordedTrack, _ position: Int64, _ packet: UnsafeRawBufferPointer) -> Void
    ) {
        bytes.withUnsafeBytes { bytes in
            var index = 0
            while index + headerBytes <= bytes.count, let track = RecordedTrack(rawValue: bytes[index]) {
                let position = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: index + 1, as: Int64.self))
                let length = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index + 9, as: UInt16.self)))
                index += headerBytes
                guard index + length <= bytes.count else { return }
                body(track, position, UnsafeRawBufferPointer(rebasing: bytes[index..<index + length]))
                index += length
            }
        }
    }
}
