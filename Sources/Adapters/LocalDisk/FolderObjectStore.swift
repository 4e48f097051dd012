import Dispatch
import Glibc
import Ports

/// Keeps objects as files below a folder. Where source and folder are on one file system the object is another name for
/// the same bytes; elsewhere it is a copy that gets its name when it is whole. Both are synced, names included.
package final class FolderObjectStore: ObjectStore {
    private let folder: String
    /// Waits for disks; one put at a time.
    private let queue = DispatchQueue(label: "voiced.objects", qos: .utility)

    /// Made when it is missing (0700).
    package init(folder: String) { self.folder = folder }

    package func put(file: String, as key: ObjectKey) async throws(ObjectStoreError) {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
            queue.async { [self] in
                do throws(ObjectStoreError) {
                    try keep(file, as: key)
                    continuation.resume(returning: .success(()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        try result.get()
    }

    private typealias Outcome = Result<Void, ObjectStoreError>

    private func keep(_ file: String, as key: ObjectKey) throws(ObjectStoreError) {
        let source = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw .unreadable(code: SystemCall.name(errno)) }
        defer { close(source) }
        guard fsync(source) == 0 else { throw .unavailable(code: SystemCall.name(errno)) }
        let target = "\(folder)/\(key)"
        let slash = target.lastIndex(of: "/") ?? target.startIndex
        let parent = String(target[..<slash])
        try makeFolder(parent)
        if link(file, target) != 0 {
            switch errno {
            case EEXIST:
                guard try isSame(source, target) else { throw .conflict }
            // Another file system, or one without second names.
            case EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS: try copy(source, to: target, in: parent)
            default: throw .unavailable(code: SystemCall.name(errno))
            }
        }
        try sync(parent)
    }

    private func copy(_ source: Int32, to target: String, in parent: String) throws(ObjectStoreError) {
        if access(target, F_OK) == 0 {
            guard try isSame(source, target) else { throw .conflict }
            return
        }
        let temporary = "\(parent)/.\(getpid())-\(UInt64.random(in: 0 ... .max)).part"
        let copy = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard copy >= 0 else { throw .unavailable(code: SystemCall.name(errno)) }
        defer { close(copy) }
        do throws(ObjectStoreError) {
            try transfer(source, copy)
            guard fsync(copy) == 0, rename(temporary, target) == 0 else {
                throw .unavailable(code: SystemCall.name(errno))
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static let chunk = 65_536

    private func transfer(_ source: Int32, _ target: Int32) throws(ObjectStoreError) {
        var offset: off_t = 0
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = try read(source, &bytes, at: offset)
            if count == 0 { return }
            var written = 0
            while written < count {
                let step = bytes.withUnsafeBytes { write(target, $0.baseAddress.map { $0 + written }, count - written) }
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { throw .unavailable(code: SystemCall.name(errno)) }
                written += step
            }
            offset += off_t(count)
        }
    }

    private func isSame(_ source: Int32, _ target: String) throws(ObjectStoreError) -> Bool {
        let other = open(target, O_RDONLY | O_CLOEXEC)
        guard other >= 0 else { throw .unavailable(code: SystemCall.name(errno)) }
        defer { close(other) }
        var offset: off_t = 0
        var (mine, theirs) = ([UInt8](repeating: 0, count: Self.chunk), [UInt8](repeating: 0, count: Self.chunk))
        while true {
            let count = try read(source, &mine, at: offset)
            guard try read(other, &theirs, at: offset) == count, mine[..<count] == theirs[..<count] else {
                return false
            }
            if count == 0 { return true }
            offset += off_t(count)
        }
    }

    /// As many bytes as there are, up to a chunk.
    private func read(_ file: Int32, _ bytes: inout [UInt8], at offset: off_t) throws(ObjectStoreError) -> Int {
        var filled = 0
        while filled < Self.chunk {
            let count = bytes.withUnsafeMutableBytes { bytes in
                pread(file, bytes.baseAddress.map { $0 + filled }, Self.chunk - filled, offset + off_t(filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unavailable(code: SystemCall.name(errno)) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Makes `path` and what is missing above it; each new name is synced.
    private func makeFolder(_ path: String) throws(ObjectStoreError) {
        if mkdir(path, 0o700) == 0 { return try sync(above(path)) }
        if errno == EEXIST { return }
        guard errno == ENOENT, path.contains("/") else { throw .unavailable(code: SystemCall.name(errno)) }
        try makeFolder(above(path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .unavailable(code: SystemCall.name(errno)) }
        try sync(above(path))
    }

    private func above(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private func sync(_ folder: String) throws(ObjectStoreError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unavailable(code: SystemCall.name(errno)) }
        defer { close(descriptor) }
        // Some file systems cannot sync a folder (EINVAL): there is nothing more to be done then.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .unavailable(code: SystemCall.name(errno)) }
    }
}

enum SystemCall {
    /// The name of an error number, for logs.
    static func name(_ number: Int32) -> String {
        switch number {
        case ENOSPC: "ENOSPC"
        case EDQUOT: "EDQUOT"
        case EACCES: "EACCES"
        case EPERM: "EPERM"
        case EROFS: "EROFS"
        case ENOENT: "ENOENT"
        case ENOTDIR: "ENOTDIR"
        case EIO: "EIO"
        case EMFILE: "EMFILE"
        default: "errno \(number)"
        }
    }
}
