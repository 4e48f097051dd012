import Foundation

enum Repository {
    /// The package's folder.
    static var root: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path(percentEncoded: false).trimmingSuffix("/")
    }
    static var programs: String { "\(root)/.build/release" }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

enum ProgramError: Error { case endedEarly(String) }

/// `voiced dev` on free ports, with its files in a folder of its own.
struct DevProcess {
    let process: Process
    let folder: String
    let startPage: String
    var simulatorFolder: String { "\(folder)/sim" }

    static func start() async throws -> DevProcess {
        let folder = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: "\(folder)/sim", withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "\(Repository.programs)/voiced")
        process.arguments =
            ["dev", "--config", "\(Repository.root)/Manifests/voiced.yaml", "--sim-folder", "\(folder)/sim"]
            + ["agent.port", "media.port", "metrics.port", "web.port", "web.metrics_port"].flatMap {
                ["--set", "\($0)=0"]
            }
            + ["--set", "state.folder=\(folder)/state", "--set", "admin.socket=\(folder)/a.sock"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var told = ""
        while true {
            // What there is; reading a count would wait for all of it.
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { break }
            told += String(decoding: data, as: UTF8.self)
            if let page = told.firstMatch(of: /Open\s+(http:\S+)/), told.contains("Ctrl-C") {
                return DevProcess(process: process, folder: folder, startPage: String(page.1))
            }
        }
        process.terminate()
        throw ProgramError.endedEarly(told)
    }

    /// Ends it politely, then removes its files.
    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// A program that has run to its end.
struct Finished: Sendable {
    let status: Int32
    let lastLine: String

    static func run(_ program: String, _ arguments: [String], environment: [String: String]) async throws -> Finished {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        return Finished(status: process.terminationStatus, lastLine: lines.last.map(String.init) ?? "")
    }
}
