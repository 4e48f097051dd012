import Dispatch
import Glibc
import InterviewCore
import Ports
import Synchronization
import WireFormats

/// `JournalSpool` as a file `<instance>.spool` in a folder of its own, locked (flock) as long as its process lives: a
/// kill frees the lock, and the next start on the folder finds the file.
package final class SpoolFile: JournalSpool {
    /// A thousand conversations' records of an hour.
    package static let mostBytes = 64 << 20

    private let folder: String
    private let name: String
    private let mostBytes: Int
    /// Waits for the disk; one thing at a time.
    private let queue = DispatchQueue(label: "voiced.spool", qos: .utility)
    private let state = Mutex(State())

    private struct State {
        var descriptor: Int32 = -1
        var size = 0
        /// Descriptors of adopted files: their locks.
        var adopted: [String: Int32] = [:]
    }

    private static let suffix = ".spool"

    /// `folder` is made (0700) when something has to be written.
    package init(folder: String, instance: InstanceID, mostBytes: Int = SpoolFile.mostBytes) {
        self.folder = folder
        name = instance.text + Self.suffix
        self.mostBytes = mostBytes
    }

    package func append(_ entries: [SpoolEntry]) async throws(SpoolError) {
        try await onQueue { () throws(SpoolError) in try self.write(entries) }
    }

    package func clear() async throws(SpoolError) {
        try await onQueue { () throws(SpoolError) in
            try self.state.withLock { state throws(SpoolError) in
                guard state.descriptor >= 0 else { return }
                guard ftruncate(state.descriptor, 0) == 0, fdatasync(state.descriptor) == 0 else {
                    throw .disk(code: SystemCall.name(errno))
                }
                state.size = 0
            }
        }
    }

    package func adopt() async throws(SpoolError) -> [EarlierSpool] {
        try await onQueue { () throws(SpoolError) in try self.adoptFree() }
    }

    package func discard(_ earlier: EarlierSpool) async throws(SpoolError) {
        try await onQueue { () throws(SpoolError) in
            guard let descriptor = self.state.withLock({ $0.adopted.removeValue(forKey: earlier.name) }) else { return }
            let removed = unlink("\(self.folder)/\(earlier.name)")
            let reason = errno
            Glibc.close(descriptor)
            guard removed == 0 || reason == ENOENT else { throw .disk(code: SystemCall.name(reason)) }
        }
    }

    package func close() async {
        _ = try? await onQueue { () throws(SpoolError) in
            let (own, size, adopted) = self.state.withLock { state in
                defer { state = State() }
                return (state.descriptor, state.size, state.adopted)
            }
            for descriptor in adopted.values { Glibc.close(descriptor) }
            guard own >= 0 else { return }
            if size == 0 { unlink("\(self.folder)/\(self.name)") }
            Glibc.close(own)
        }
    }

    // MARK: On the queue

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SpoolError) -> Value
    ) async throws(SpoolError) -> Value {
        let outcome: Result<Value, SpoolError> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result { () throws(SpoolError) in try body() }) }
        }
        return try outcome.get()
    }

    private func write(_ entries: [SpoolEntry]) throws(SpoolError) {
        var bytes: [UInt8] = []
        for entry in entries {
            guard let line = entry.line else { continue }
            do { bytes += try line.bytes() } catch { throw .disk(code: error.code) }
        }
        try state.withLock { state throws(SpoolError) in
            if state.descriptor < 0 { state.descriptor = try open() }
            guard state.size + bytes.count <= mostBytes else { throw .full }
            do throws(SpoolError) {
                try Self.write(bytes, to: state.descriptor)
            } catch {
                // Half a line would hide the next one.
                ftruncate(state.descriptor, off_t(state.size))
                throw error
            }
            state.size += bytes.count
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SpoolError) {
        var written = 0
        while written < bytes.count {
            let step = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { throw .disk(code: SystemCall.name(errno)) }
            written += step
        }
        guard fdatasync(descriptor) == 0 else { throw .disk(code: SystemCall.name(errno)) }
    }

    private func open() throws(SpoolError) -> Int32 {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .disk(code: SystemCall.name(errno)) }
        let descriptor = Glibc.open("\(folder)/\(name)", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .disk(code: SystemCall.name(errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            throw .disk(code: "locked")
        }
        return descriptor
    }

    private func adoptFree() throws(SpoolError) -> [EarlierSpool] {
        guard let listing = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw .disk(code: SystemCall.name(errno))
        }
        defer { closedir(listing) }
        var found: [EarlierSpool] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(Self.suffix), name != self.name, let earlier = adopt(name) else { continue }
            found.append(earlier)
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Nil while its process lives.
    private func adopt(_ name: String) -> EarlierSpool? {
        let descriptor = Glibc.open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        // Another start may be settling it, or have removed it between the two calls.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, access("\(folder)/\(name)", F_OK) == 0,
            let bytes = Self.contents(of: descriptor)
        else {
            Glibc.close(descriptor)
            return nil
        }
        state.withLock { $0.adopted[name] = descriptor }
        let (lines, unreadable) = SpoolLine.lines(of: bytes)
        return EarlierSpool(name: name, entries: lines.map(SpoolEntry.init), unreadableLines: unreadable)
    }

    /// What stands in the file at `path`, locked or not; for tests and for operators' questions.
    package static func entries(of path: String) throws(SpoolError) -> [SpoolEntry] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return [] }
            throw .disk(code: SystemCall.name(errno))
        }
        defer { Glibc.close(descriptor) }
        return SpoolLine.lines(of: contents(of: descriptor) ?? []).lines.map(SpoolEntry.init)
    }

    /// Nil when it cannot be read, or is longer than any of ours.
    private static func contents(of descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= 2 * mostBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        return nil
    }
}

extension SpoolEntry {
    /// Nil for changes that nobody has to be told later.
    var line: SpoolLine? {
        switch self {
        case .record(let record, let holder):
            SpoolLine(session: record.session, holder: holder, what: .record(record))
        case .change(let id, let holder, .ended(let end, let sequence, let active, let cost)):
            SpoolLine(
                session: id, holder: holder,
                what: .ended(end, sequence: sequence, activeMilliseconds: active, costMicros: cost))
        case .change(let id, let holder, .released(let window, let active, let cost)):
            SpoolLine(
                session: id, holder: holder,
                what: .released(
                    rejoinMilliseconds: Int64(window / .milliseconds(1)), activeMilliseconds: active,
                    costMicros: cost))
        case .change(_, _, .disconnected), .change(_, _, .reconnected): nil
        }
    }

    init(_ line: SpoolLine) {
        switch line.what {
        case .record(let record): self = .record(record, holder: line.holder)
        case .ended(let end, let sequence, let active, let cost):
            self = .change(
                line.session, holder: line.holder,
                .ended(end, sequence: sequence, activeMilliseconds: active, costMicros: cost))
        case .released(let window, let active, let cost):
            self = .change(
                line.session, holder: line.holder,
                .released(
                    rejoinWindow: .milliseconds(window), activeMilliseconds: active, costMicros: cost))
        }
    }
}
