import Foundation

/// The file of a Unix socket over its life. The socket is bound inside a folder of its own (0700) beside its final
/// place, given mode 0600 and then moved there: nobody can connect before the mode is right, whatever the umask.
struct UnixSocketFile: Sendable {
    let path: String
    private let nest: String
    /// Where to bind.
    var bindPath: String { "\(nest)/s" }

    /// Makes the folder (0700) when it is missing and removes a file that a dead process left. Blocks for a moment.
    init(path: String) throws(ListenError) {
        self.path = path
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        nest = "\(folder)/.\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
        guard path.utf8.count <= Self.longest, nest.utf8.count + 2 <= Self.longest else {
            throw .pathTooLong(path: path)
        }
        try Self.makeFolder(folder)
        try Self.clear(path)
        if unsafe mkdir(nest, 0o700) != 0 { throw .folder(path: folder, code: errno) }
    }

    /// `sockaddr_un.sun_path` holds 108 bytes, the closing zero included (unix(7)).
    private static let longest = 107

    private static func makeFolder(_ folder: String) throws(ListenError) {
        var status = stat()
        if unsafe stat(folder, &status) == 0 { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .folder(path: folder, code: errno)
        }
    }

    /// Leaves `path` free, or says why it is not.
    private static func clear(_ path: String) throws(ListenError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        if answers(path) { throw .anotherProcess(path: path) }
        if unsafe unlink(path) != 0, errno != ENOENT { throw .folder(path: path, code: errno) }
    }

    /// True when a process listens there. A refused connection is a dead process's file; what may not be connected to
    /// counts as alive.
    private static func answers(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(longest)) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 || (errno != ECONNREFUSED && errno != ENOENT)
    }

    /// Gives the bound socket its mode and its place.
    func publish() -> Result<Void, ListenError> {
        guard unsafe chmod(bindPath, 0o600) == 0, unsafe rename(bindPath, path) == 0 else {
            return .failure(.folder(path: path, code: errno))
        }
        _ = unsafe rmdir(nest)
        return .success(())
    }

    /// Takes the file away, unless another process has put its own there meanwhile.
    func remove() {
        _ = unsafe unlink(bindPath)
        _ = unsafe rmdir(nest)
        if !Self.answers(path) { _ = unsafe unlink(path) }
    }
}
