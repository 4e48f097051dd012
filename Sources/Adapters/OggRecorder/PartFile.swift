import Glibc
import InterviewCore
import WireFormats

/// A system call that refused, with the name of its error number.
struct RecordingError: Error, Hashable, Sendable {
    var call: String
    var number: Int32

    init(_ call: String) {
        self.call = call
        number = errno
    }

    var name: String {
        switch number {
        case ENOSPC: "ENOSPC"
        case EDQUOT: "EDQUOT"
        case EACCES: "EACCES"
        case EPERM: "EPERM"
        case EROFS: "EROFS"
        case ENOENT: "ENOENT"
        case ENOTDIR: "ENOTDIR"
        case EEXIST: "EEXIST"
        case EIO: "EIO"
        case EMFILE: "EMFILE"
        default: "errno \(number)"
        }
    }
}

/// One part on the disk, on the writer's thread. Only whole pages are written, so that a killed process leaves a file that
/// plays.
final class PartFile {
    /// Locked while we write, so that nobody else takes the part for finished; the kernel lets go with the process.
    private let descriptor: Int32
    private var writer: OggOpusWriter
    private var buffer: [UInt8] = []
    /// Bytes of the file that are whole pages.
    private var length: off_t = 0

    /// Nil: the name is taken. The file is made with mode 0600 and never overwritten.
    init?(path: String, writer: OggOpusWriter) throws(RecordingError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            let error = RecordingError("open")
            if error.number == EEXIST { return nil }
            throw error
        }
        // A file system without locks has one process on it.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        self.descriptor = descriptor
        self.writer = writer
    }

    /// True when no process writes the file at `path`.
    static func isLeftBehind(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    deinit { Glibc.close(descriptor) }

    func append(_ packet: UnsafeRawBufferPointer, units: Int64, track: RecordedTrack) {
        writer.append(packet, units: units, track: track.index)
    }

    func appendSilence(units: Int64, track: RecordedTrack) {
        writer.appendSilence(units: units, track: track.index)
    }

    /// Writes all there is, in whole pages.
    func flush() throws(RecordingError) {
        writer.take(everything: true, into: &buffer)
        try write()
    }

    /// Ends both tracks at `units`. `durable`: returns when the disk has it.
    func finish(length units: Int64, durable: Bool) throws(RecordingError) {
        for track in RecordedTrack.allCases { writer.finish(track: track.index, length: units) }
        try flush()
        if durable, fsync(descriptor) != 0 { throw RecordingError("fsync") }
    }

    private func write() throws(RecordingError) {
        var offset = 0
        while offset < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = RecordingError("write")
                // Part of a page may be there: take it off again.
                _ = ftruncate(descriptor, length)
                buffer.removeAll()
                throw error
            }
            offset += count
        }
        length += off_t(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Makes `path` and what is missing above it, mode 0700.
func makeFolder(_ path: String) throws(RecordingError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw RecordingError("mkdir")
    }
    try makeFolder(String(path[..<slash]))
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw RecordingError("mkdir") }
}
