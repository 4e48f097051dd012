import Foundation

/// Raw sound of one connection or item on its way to a file. Used by one event loop; writes are small and go to the
/// page cache, so they may happen there.
final class SoundFile {
    /// Half a second of 24 kHz PCM.
    private static let flushBytes = 24_000
    private let file: FileHandle
    private var pending: [UInt8] = []
    private(set) var bytes = 0

    init?(folder: String?, name: String) {
        guard let folder else { return nil }
        let path = folder + "/" + name
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { return nil }
        self.file = file
    }

    func append(_ more: [UInt8]) {
        bytes += more.count
        pending += more
        if pending.count >= Self.flushBytes { flush() }
    }

    func flush() {
        guard !pending.isEmpty else { return }
        try? file.write(contentsOf: Data(pending))
        pending.removeAll(keepingCapacity: true)
    }

    func close() {
        flush()
        try? file.close()
    }
}
