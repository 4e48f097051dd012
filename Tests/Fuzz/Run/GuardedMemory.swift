import Glibc

/// Memory whose end is the end of what may be touched: behind it lies a page that traps. Whoever reads or writes one byte
/// too far is found at that byte, not by what it destroys.
final class GuardedMemory {
    private let start: UnsafeMutableRawPointer
    let capacity: Int

    /// `file`: an open file that these pages are; nil: anonymous. Its size is `header` + `capacity`, rounded up to pages.
    init(capacity: Int, header: Int = 0, file: Int32? = nil) throws(FuzzError) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let length = (header + capacity + page - 1) / page * page
        let anonymous = Int32(MAP_ANONYMOUS)
        guard let reserved = mmap(nil, length + page, PROT_NONE, Int32(MAP_PRIVATE) | anonymous, -1, 0),
            reserved != MAP_FAILED
        else { throw .noMemory }
        let sharing = file == nil ? Int32(MAP_PRIVATE) | anonymous : Int32(MAP_SHARED)
        guard
            mmap(reserved, length, PROT_READ | PROT_WRITE, sharing | Int32(MAP_FIXED), file ?? -1, 0) != MAP_FAILED
        else { throw .noMemory }
        start = reserved
        self.capacity = length
    }

    /// The first bytes, far from the guard.
    var header: UnsafeMutableRawPointer { start }

    /// The last `count` bytes before the guard; all of it when that is too much.
    func last(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let count = min(max(count, 0), capacity)
        return UnsafeMutableRawBufferPointer(start: start + (capacity - count), count: count)
    }

    /// Copies `bytes` so that they end at the guard.
    func place(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let place = last(bytes.count)
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<place.count]))
        return UnsafeRawBufferPointer(place)
    }

    func place(_ bytes: [UInt8]) -> UnsafeRawBufferPointer { bytes.withUnsafeBytes { place($0) } }
}

/// Why there can be no run.
enum FuzzError: Error, CustomStringConvertible {
    case noMemory
    case noFile(String)
    case noTarget(String, known: [String])

    var description: String {
        switch self {
        case .noMemory: "no memory for the inputs"
        case .noFile(let path): "cannot use \(path)"
        case .noTarget(let name, let known): "there is no target \(name); there are \(known.joined(separator: ", "))"
        }
    }
}
