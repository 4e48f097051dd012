import Foundation

/// What the kernel says about one process.
enum ProcessUsage {
    /// User and system time of all its threads, past ones included. Counted in ticks of 10 ms.
    static func cpuTime(of pid: Int32) throws -> Duration {
        let path = "/proc/\(pid)/stat"
        // The program's name stands in parentheses and may hold anything; after them come fields 3, 4, …
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), let end = text.lastIndex(of: ")") else {
            throw BenchError.unreadable(path)
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw BenchError.unreadable(path)
        }
        return .milliseconds((user + system) * 1_000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Proportional set size in bytes: private memory, and its share of what other processes use too.
    static func memory(of pid: Int32) throws -> Int {
        let path = "/proc/\(pid)/smaps_rollup"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw BenchError.unreadable(path) }
        for line in text.split(separator: "\n") where line.hasPrefix("Pss:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes * 1_024
            }
        }
        throw BenchError.unreadable(path)
    }

    /// How many processes wanted to run, averaged over the last minute.
    static var loadAverage: Double {
        var averages = [0.0, 0.0, 0.0]
        return getloadavg(&averages, 3) > 0 ? averages[0] : 0
    }
}

/// Which of the two cores runs what. With a single core, or without taskset, nothing is pinned.
struct Cores: Sendable {
    static let taskset = "/usr/bin/taskset"
    /// The program that is measured.
    static let subject = 0
    /// Everything else.
    static let rest = 1

    let arePinned: Bool

    init() {
        arePinned =
            ProcessInfo.processInfo.activeProcessorCount >= 2
            && FileManager.default.isExecutableFile(atPath: Self.taskset)
    }

    /// The command that runs `program` on `core`. taskset becomes the program: the process id is its.
    func command(_ program: String, _ arguments: [String], on core: Int) -> (program: String, arguments: [String]) {
        arePinned ? (Self.taskset, ["-c", "\(core)", program] + arguments) : (program, arguments)
    }

    /// Moves this process, with all its threads, to the core of the rest.
    func moveSelf() throws {
        guard arePinned else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.taskset)
        process.arguments = ["-a", "-c", "-p", "\(Self.rest)", "\(ProcessInfo.processInfo.processIdentifier)"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }
}
