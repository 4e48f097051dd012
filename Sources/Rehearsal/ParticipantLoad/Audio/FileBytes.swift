import Glibc

/// A whole file of bounded size.
enum FileBytes {
    /// Nil when the file is larger than `limit`.
    static func read(_ path: String, limit: Int) throws(ParticipantLoadError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, code: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            if bytes.count > limit { return nil }
        }
    }
}
