import CFlightRecorder
import Glibc
import InterviewCore
import Ports
import Synchronization

/// Notes in plain memory what each loop has in hand. A process that dies of a trap copies that memory, on its way out,
/// to a small mapped file in the state folder (`CFlightRecorder`), where the next one finds it.
///
/// The loops do not write to the mapping itself: the first store to a clean page of a file waits for the file system's
/// journal, and with a store that syncs on every turn that is a gap in everybody's sound. A process that is killed leaves
/// a clean file; it was nobody's session that did it.
///
/// One at a time in a process. The file is the process' own while it lives: it holds its lock.
@safe
package final class MappedFlightRecorder: FlightRecorder, @unchecked Sendable {
    let layout: FlightLayout
    /// What the loops write to. Never given back: a session that outlives its recorder still writes somewhere.
    let memory: UnsafeMutablePointer<UInt64>
    private let path: String
    private let free: Mutex<[Int]>
    private let file: Mutex<OpenFile?>

    @safe
    private struct OpenFile: @unchecked Sendable {
        var descriptor: Int32
        var mapping: UnsafeMutableRawPointer
    }

    static let prefix = "flight-"
    static let suffix = ".record"

    /// `places`: sessions at a time; more go unrecorded. Before the loops begin.
    package init(folder: String, instance: InstanceID, loops: Int, places: Int) throws(FlightError) {
        guard (0...FlightLayout.Limits.loops).contains(loops), (0...FlightLayout.Limits.places).contains(places) else {
            throw .tooLarge
        }
        layout = FlightLayout(loops: loops, places: places)
        path = "\(folder)/\(Self.prefix)\(instance)\(Self.suffix)"
        unsafe memory = .allocate(capacity: layout.words)
        unsafe memory.initialize(repeating: 0, count: layout.words)
        unsafe memory[0] = FlightLayout.mark
        unsafe memory[1] = UInt64(loops)
        unsafe memory[2] = UInt64(places)
        free = Mutex(Array((0..<places).reversed()))
        let opened = try Self.make(path, bytes: layout.bytes)
        file = Mutex(opened)
        let code = unsafe voiced_flight_arm(
            memory, opened.mapping.assumingMemoryBound(to: UInt64.self), layout.words,
            memory + FlightLayout.dyingWord)
        guard code == 0 else {
            close()
            throw .file(operation: "sigaction", code: code)
        }
    }

    /// An orderly end: the file goes. Nothing is recorded any more.
    package func close() {
        let open = file.withLock { file in
            defer { file = nil }
            return file
        }
        guard let open else { return }
        voiced_flight_disarm()
        unsafe unlink(path)
        unsafe munmap(open.mapping, layout.bytes)
        Glibc.close(open.descriptor)
    }

    deinit { close() }

    package func loop(_ index: Int) -> any FlightLoop {
        guard (0..<layout.loops).contains(index) else { return NoFlightRecorder().loop(index) }
        return unsafe MappedFlightLoop(index: index, word: memory + layout.loopWord(index))
    }

    package func seated(_ id: SessionID, onLoop loop: Int) -> any FlightSeat {
        guard (0..<layout.loops).contains(loop), let place = free.withLock({ $0.popLast() }) else {
            return NoFlightRecorder().seated(id, onLoop: loop)
        }
        for (index, word) in FlightLayout.text(id).enumerated() {
            unsafe voiced_flight_store(memory + layout.placeWord(place) + index, word)
        }
        return unsafe MappedFlightSeat(recorder: self, place: place, word: memory + layout.loopWord(loop))
    }

    fileprivate func left(_ place: Int) { free.withLock { $0.append(place) } }

    /// Written whole and locked under another name first: who reads finds only records that somebody holds, or held.
    private static func make(_ path: String, bytes: Int) throws(FlightError) -> OpenFile {
        let early = path + ".new"
        let descriptor = unsafe open(early, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(operation: "open", code: errno) }
        func failed(_ operation: String, _ code: Int32) -> FlightError {
            Glibc.close(descriptor)
            unsafe unlink(early)
            return .file(operation: operation, code: code)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw failed("flock", errno) }
        // All of its room now: a dying process must not find the disk full.
        let code = posix_fallocate(descriptor, 0, off_t(bytes))
        guard code == 0 else { throw failed("posix_fallocate", code) }
        let mapping = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { throw failed("mmap", errno) }
        guard unsafe rename(early, path) == 0 else {
            let code = errno
            unsafe munmap(mapping, bytes)
            throw failed("rename", code)
        }
        return unsafe OpenFile(descriptor: descriptor, mapping: mapping)
    }
}

@safe
private struct MappedFlightLoop: FlightLoop, @unchecked Sendable {
    let index: Int
    let word: UnsafeMutablePointer<UInt64>

    func began() { voiced_flight_bind(UInt64(index)) }
    func cleared() { unsafe voiced_flight_store(word, 0) }
}

@safe
private final class MappedFlightSeat: FlightSeat, @unchecked Sendable {
    private let recorder: MappedFlightRecorder
    private let place: Int
    private let word: UnsafeMutablePointer<UInt64>
    private let isOver = Atomic<Bool>(false)

    init(recorder: MappedFlightRecorder, place: Int, word: UnsafeMutablePointer<UInt64>) {
        self.recorder = recorder
        self.place = place
        unsafe self.word = word
    }

    deinit { left() }

    func enter(_ step: FlightStep) -> FlightHand {
        let before = unsafe voiced_flight_load(word)
        // Late events of a session that is over are nobody's: its place may be another's already.
        let mine = isOver.load(ordering: .relaxed) ? 0 : FlightLayout.hand(place: place, step: step)
        unsafe voiced_flight_store(word, mine)
        return FlightHand(word: before)
    }

    func leave(_ before: FlightHand) { unsafe voiced_flight_store(word, before.word) }

    func left() {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        recorder.left(place)
    }
}
