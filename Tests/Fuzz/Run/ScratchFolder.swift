import Dispatch
import Foundation
import Glibc
import Synchronization

/// Files of one run, in memory where the system has such a place. Gone at the end, also after Ctrl-C.
final class ScratchFolder: Sendable {
    let path: String
    private let pids = Mutex<[Int: Int32]>([:])

    init() throws(FuzzError) {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
        let path = "\(parent)/voice-fuzz-\(getpid())"
        guard mkdir(path, 0o700) == 0 else { throw .noFile(path) }
        self.path = path
        for number in [SIGINT, SIGTERM] { leave(on: number) }
    }

    func watch(_ pid: Int32, number: Int) { pids.withLock { $0[number] = pid } }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private func leave(on number: Int32) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { [self] in
            for pid in pids.withLock({ $0.values.map(\.self) }) { kill(pid, SIGKILL) }
            remove()
            _exit(128 + number)
        }
        source.resume()
        Self.sources.withLock { $0.append(Source(source)) }
    }

    private struct Source: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(_ source: any DispatchSourceSignal) { self.source = source }
    }
    private static let sources = Mutex<[Source]>([])
}
