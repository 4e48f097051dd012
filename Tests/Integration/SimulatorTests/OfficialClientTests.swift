import Foundation
import ProviderSimulator
import Testing

/// The vendor's own Python client talks to the simulator and checks every event against its own types. That client,
/// espeak-ng and Python belong to the tests: where they are missing the test fails, it does not skip.
@Suite struct OfficialClientTests {
    private static let script = Script(
        greeting: Script.Answer("Hello, and welcome to this interview. How are you today?"),
        answers: [
            Script.Answer("Thank you. What does an ordinary day of yours look like?"),
            Script.Answer(
                "I see. That is a long sentence which goes on and on, so that there is time enough to interrupt it "
                    + "before it has come to its end, as impatient people sometimes do."),
            Script.Answer("Of course. Please take your time."),
            Script.Answer(
                "That was the last question. Goodbye!",
                call: Script.ToolCall(name: "end_interview", arguments: #"{"reason":"completed"}"#)),
        ])

    @Test("the vendor's client holds a spoken conversation and knows every event")
    func conversation() async throws {
        let temporary = FileManager.default.temporaryDirectory
        let folder = temporary.appendingPathComponent("simulator-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = SimulatorOptions()
        options.apiKey = "sk-test"
        options.voice = .espeak
        options.script = Self.script
        options.firstAudioLatency = .milliseconds(50)
        options.audioFolder = folder
        options.logPath = folder + "/log.jsonl"
        let simulator = try Simulator(options: options)
        let port = try await simulator.start()
        let (status, output) = try await PythonClient.run(
            "official_client.py", ["--base-url", "ws://127.0.0.1:\(port)/v1", "--api-key", "sk-test"])
        #expect(status == 0, "\(output)")
        await simulator.stop()
        try check(simulator.log, folder: folder, output: output)
    }

    /// What the simulator says it heard and said is what the client sent and received.
    private func check(_ log: SimulatorLog, folder: String, output: String) throws {
        let line = try #require(output.split(separator: "\n").last)
        let result = try JSONParser.parse(Array(line.utf8))
        let heard = try #require(FileManager.default.contents(atPath: folder + "/heard-1.pcm"))
        #expect(heard.count == result["appended_bytes"]?.integer)
        let said = log.entries(of: .said).compactMap { $0["bytes"]?.integer }.reduce(0, +)
        #expect(said == result["answered_bytes"]?.integer)
        for entry in log.entries(of: .said) where entry["audio_ms"]?.integer != 0 {
            let file = "\(folder)/said-1-\(entry["item"]?.string ?? "").pcm"
            #expect(FileManager.default.contents(atPath: file)?.count == entry["bytes"]?.integer)
        }
        #expect(log.entries(of: .refused).count == 1)
        #expect(log.entries(of: .connected).count == 1)
        #expect(log.entries(of: .committed).count == 4)
        #expect(log.entries(of: .truncated).count == 1)
        #expect(log.entries(of: .toolCalled).count == 2)
        #expect(log.entries(of: .toolOutput).count == 1)
        #expect(log.entries(of: .closed).first?["code"] == 1_000)
        let lines = try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == log.entries.count)
    }
}
