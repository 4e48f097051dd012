import CFileStatus
import Foundation
import Glibc

/// The file's place: a local disk, a folder and a file that only this user can read (transcripts are in it).
package enum StoreFile {
    /// Makes what is missing: folders 0700, the file 0600. An existing folder is left as it is, an existing file is
    /// closed to others; SQLite gives its log files the file's own mode.
    static func prepare(path: String) throws(SQLiteStoreError) {
        let folder = folder(of: path)
        try makeFolder(folder)
        try refuseNetwork(folder)
        try makeFile(path)
    }

    /// `.` for a bare name, `/` for what lies in the root.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func makeTemporaryFolder() throws(SQLiteStoreError) -> String {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/voiced-store-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { mkdtemp($0) != nil } ?? false
        }
        guard made else { throw .folder(code: posixName(errno)) }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func makeFolder(_ path: String) throws(SQLiteStoreError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            // The final component may be a link to a folder; with the slash behind it the link is followed.
            let mode = voiced_mode_of_path(path + "/")
            guard mode >= 0 else { throw .folder(code: posixName(Int32(truncatingIfNeeded: -mode))) }
        case ENOENT:
            let parent = folder(of: path)
            guard parent.utf8.count < path.utf8.count, parent != "." else { throw .folder(code: "ENOENT") }
            try makeFolder(parent)
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .folder(code: posixName(errno)) }
        default:
            throw .folder(code: posixName(errno))
        }
    }

    /// A file that exists is never opened here: closing a descriptor drops all of a process' POSIX locks on the file,
    /// those of a store that has it open included (sqlite.org/howtocorrupt.html, 2.2).
    private static func makeFile(_ path: String) throws(SQLiteStoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor >= 0 {
            Glibc.close(descriptor)
            return
        }
        guard errno == EEXIST else { throw .file(code: posixName(errno)) }
        let mode = voiced_mode_of_path(path)
        guard mode >= 0 else { throw .file(code: posixName(Int32(truncatingIfNeeded: -mode))) }
        guard voiced_is_plain_file(mode) else { throw .file(code: "not_a_file") }
        if mode & 0o077 != 0 {
            guard chmod(path, 0o600) == 0 else { throw .file(code: posixName(errno)) }
        }
    }

    // MARK: File systems

    private static func refuseNetwork(_ folder: String) throws(SQLiteStoreError) {
        let type = voiced_file_system_type(folder)
        guard type >= 0 else { throw .folder(code: posixName(Int32(truncatingIfNeeded: -type))) }
        if let name = networkFileSystem(magic: UInt32(truncatingIfNeeded: type)) {
            throw .networkFileSystem(name: name)
        }
    }

    /// The name of a file system that other hosts can write to, or whose locks are a program's (FUSE); nil for a local
    /// one. The numbers are `f_type` in statfs(2) and linux/magic.h.
    package static func networkFileSystem(magic: UInt32) -> String? { networkMagics[magic] }

    private static let networkMagics: [UInt32: String] = [
        0x6969: "nfs", 0x517B: "smb", 0xFF53_4D42: "cifs", 0xFE53_4D42: "smb2", 0x6573_5546: "fuse",
        0x0102_1997: "9p", 0x00C3_6400: "ceph", 0x5346_414F: "afs", 0x6B41_4653: "kafs", 0x7375_7245: "coda",
        0x0BD0_0BD0: "lustre", 0x0116_1970: "gfs2", 0x7461_636F: "ocfs2", 0x4750_4653: "gpfs", 0x786F_4256: "vboxsf",
        0x1983_0326: "fhgfs", 0x564C: "ncp",
    ]

    private static func posixName(_ number: Int32) -> String {
        switch number {
        case EACCES: "EACCES"
        case EEXIST: "EEXIST"
        case ENOENT: "ENOENT"
        case ENOSPC: "ENOSPC"
        case ENOTDIR: "ENOTDIR"
        case EPERM: "EPERM"
        case EROFS: "EROFS"
        case ELOOP: "ELOOP"
        case ENAMETOOLONG: "ENAMETOOLONG"
        default: "errno_\(number)"
        }
    }
}
