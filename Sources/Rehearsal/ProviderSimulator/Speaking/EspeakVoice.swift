import Foundation

/// Speech by the program espeak-ng. Blocking: called on a thread pool only.
package struct EspeakVoice: Sendable {
    package enum Failure: Error, Equatable, Sendable {
        case notInstalled
        case exited(status: Int32)
        case unreadable
    }
    package static let wordsPerMinute = 165.0
    private let executable: String

    /// Looks for the program in PATH.
    package init() throws(Failure) {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let found = path.split(separator: ":").map { "\($0)/espeak-ng" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let found else { throw .notInstalled }
        executable = found
    }

    /// `voice` is a name that `espeak-ng --voices` lists; `speed` multiplies the pace.
    package func speak(_ text: String, voice: String, speed: Double) throws(Failure) -> WaveFile {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        let pace = Int(Self.wordsPerMinute * min(max(speed, 0.25), 1.5))
        process.arguments = ["--stdout", "-v", voice, "-s", String(pace), "--", text]
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { throw .notInstalled }
        let bytes = [UInt8]((try? output.fileHandleForReading.readToEnd()) ?? Data())
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw .exited(status: process.terminationStatus) }
        guard let wave = WaveFile(bytes) else { throw .unreadable }
        return wave
    }
}
