import Foundation
import InterviewCore
import LocalDisk
import OggRecorder
import Testing
import WireFormats

/// A process that records and dies, fifty times.
@Suite("OggRecorder in a process that is killed")
struct KillTests {
    /// Built beside the tests.
    private static let victim = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/release/recording-victim")

    /// What a victim said before it died.
    private struct Account {
        var fed = 0
        var kept = 0
    }

    /// Starts a victim, reads along, and kills it `after` so many seconds that it kept, and a moment more.
    private func run(_ folder: TemporaryFolder, packets: String, after seconds: Int, moment: UInt32) throws -> Account {
        let process = Process()
        process.executableURL = Self.victim
        process.arguments = [folder.path + "/recordings", folder.path + "/objects", packets]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var account = Account()
        var text = ""
        var seen = 0
        var killed = false
        while true {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
            while let end = text.firstIndex(of: "\n") {
                let words = text[..<end].split(separator: " ")
                if words.count == 2, let number = Int(words[1]) {
                    if words[0] == "fed" { account.fed = number }
                    if words[0] == "kept" {
                        account.kept = number
                        seen += 1
                    }
                }
                text = String(text[text.index(after: end)...])
            }
            if seen >= seconds, !killed {
                usleep(moment)
                kill(process.processIdentifier, SIGKILL)
                killed = true
            }
        }
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        return account
    }

    @Test("killed at 50 random instants, each recording is found, delivered, joined, and plays up to the last second")
    func killed() async throws {
        let speech = try packets(voice(seconds: 20, rate: 24_000), rate: 24_000).filter { $0.count > 3 }
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let file = folder.path + "/packets"
        var bytes: [UInt8] = []
        for packet in speech { bytes += [UInt8(packet.count & 255), UInt8(packet.count >> 8)] + packet }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        var random = SystemRandomNumberGenerator()
        for instant in 0..<50 {
            let scene = try TemporaryFolder()
            defer { scene.remove() }
            let seconds = Int.random(in: 1...150, using: &random)
            let moment = UInt32.random(in: 0...3_000, using: &random)
            let account = try run(scene, packets: file, after: seconds, moment: moment)
            // Fifty frames are fed and brought to the disk in turn: 2.5 s before the kill are 125 frames.
            #expect(account.fed - account.kept <= 50)
            try await check(scene, account, speech, decodes: instant % 10 == 0)
        }
    }

    @Test("what is gathered goes to the disk every second or two")
    func interval() { #expect(RecorderSettings(folder: "x").interval <= .seconds(2)) }

    private func check(
        _ scene: TemporaryFolder, _ account: Account, _ speech: [[UInt8]], decodes: Bool
    ) async throws {
        let factory = OggRecorderFactory(
            settings: RecorderSettings(folder: scene.path + "/recordings"),
            objects: FolderObjectStore(folder: scene.path + "/objects"))
        await factory.deliver(within: .seconds(60))
        #expect(factory.waitingParts == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scene.path + "/recordings").isEmpty)
        for index in 0..<3 {
            let joined = "\(scene.path)/call-\(index).ogg"
            let report = try RecordingJoin.join(
                session: "call-\(index)", folders: ["\(scene.path)/objects/recordings/call-\(index)"], output: joined,
                replace: false)
            // Killed between two parts: the next one has been opened and has nothing in it yet.
            let others = report.findings.filter { finding in
                switch finding {
                case .cut, .unreadable: false
                case .missing, .gap, .damaged, .replaced, .misplaced, .absurd: true
                }
            }
            #expect(others.isEmpty, "\(others)")
            #expect(report.findings.count { if case .unreadable = $0 { true } else { false } } <= 1)
            let contents = OggContents(scene.bytes(joined))
            #expect(contents.tornBytes == 0)
            let track = try #require(contents.tracks.first)
            let heard = track.packets.filter { $0.bytes.count > 3 }
            #expect(heard.count >= account.kept)
            #expect(heard.count <= account.fed + 50)
            let expected = heard.indices.allSatisfy {
                heard[$0].bytes == speech[($0 + index) % speech.count] && heard[$0].start == Int64($0) * 960
            }
            #expect(expected)
            guard decodes else { continue }
            for track in 0..<2 {
                let sound = try ffmpeg(joined, track: track, decoder: "libopus")
                #expect(sound.count >= account.kept * 960)
            }
            let info = String(decoding: try run("opusinfo", [joined], all: true), as: UTF8.self)
            #expect(!info.lowercased().contains("warning"))
        }
    }

    private func run(_ program: String, _ arguments: [String], all: Bool) throws -> Data {
        try RecordingTests.run(program, arguments, all: all)
    }
}
