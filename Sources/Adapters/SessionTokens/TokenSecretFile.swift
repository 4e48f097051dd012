import CFileStatus
import Crypto
import Foundation
import Glibc

/// The token secret that a single host makes for itself: 0600 in the state folder, made once, read at every later
/// start, so that join links outlive a restart. Blocks on the disk; called while starting.
package enum TokenSecretFile {
    package static let name = "token-secret"
    /// Bytes.
    private static let longestFile = 4_096

    /// Two processes that start together end up with the same secret: the file appears whole, under its name, or
    /// not at all, and the slower one reads what the faster one made.
    package static func loadOrCreate(in folder: String) throws(AccessError) -> TokenSecrets {
        let path = "\(folder)/\(name)"
        if let secrets = try load(path) { return secrets }
        // With the folders above it: on a new machine there is no ~/.local/state yet. What stands in the way, mkdir says.
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .secretFile(code: posixName(errno)) }
        try create(path, in: folder)
        guard let secrets = try load(path) else { throw .secretFile(code: "ENOENT") }
        return secrets
    }

    /// Nil when there is none.
    private static func load(_ path: String) throws(AccessError) -> TokenSecrets? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .secretFile(code: posixName(errno))
        }
        defer { close(descriptor) }
        let mode = voiced_mode_of_descriptor(descriptor)
        guard mode >= 0 else { throw .secretFile(code: posixName(Int32(truncatingIfNeeded: -mode))) }
        guard voiced_is_plain_file(mode) else { throw .secretFile(code: "not_a_file") }
        guard mode & 0o077 == 0 else { throw .secretFileOpenToOthers }
        var bytes = [UInt8](repeating: 0, count: longestFile + 1)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .secretFile(code: posixName(errno)) }
        guard count <= longestFile else { throw .secretFile(code: "too_long") }
        return try TokenSecrets(list: String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    /// Written beside, then linked into place: `link` fails where a file stands already, and never shows half of one.
    private static func create(_ path: String, in folder: String) throws(AccessError) {
        let draft = "\(folder)/.\(name).\(getpid()).\(UInt64.random(in: 0 ... .max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .secretFile(code: posixName(errno)) }
        defer { unlink(draft) }
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
        let text = Array("\(secret)\n".utf8)
        let isWritten = write(descriptor, text, text.count) == text.count && fsync(descriptor) == 0
        let failure = errno
        close(descriptor)
        guard isWritten else { throw .secretFile(code: posixName(failure)) }
        guard link(draft, path) == 0 || errno == EEXIST else { throw .secretFile(code: posixName(errno)) }
        let place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if place >= 0 {
            fsync(place)
            close(place)
        }
    }

    private static func posixName(_ number: Int32) -> String {
        switch number {
        case EACCES: "EACCES"
        case ENOENT: "ENOENT"
        case ENOSPC: "ENOSPC"
        case ENOTDIR: "ENOTDIR"
        case EPERM: "EPERM"
        case EROFS: "EROFS"
        case ELOOP: "ELOOP"
        default: "errno_\(number)"
        }
    }
}
