import ProviderSimulator
import Testing

/// Clients that make mistakes, seen from outside.
@Suite struct RawWireTests {
    @Test("wrong events, frames and requests get the vendor's answers and end nobody else's session")
    func mistakes() async throws {
        var options = SimulatorOptions()
        options.apiKey = "sk-test"
        options.voice = .tone
        options.streamingSpeed = 0
        options.firstAudioLatency = .milliseconds(300)
        options.sessionDuration = .seconds(9)
        options.script = Script(
            greeting: Script.Answer("Hello."),
            answers: [
                Script.Answer("Go on."),
                Script.Answer("", ending: .failed(type: "server_error", code: "rate_limit_exceeded")),
            ])
        let simulator = try Simulator(options: options)
        let port = try await simulator.start()
        let (status, output) = try await PythonClient.run("raw_wire.py", ["\(port)"])
        #expect(status == 0, "\(output)")
        await simulator.stop()
        let log = simulator.log
        #expect(log.entries(of: .connected).count == log.entries(of: .closed).count)
    }

    @Test("a port that is taken is an error, not a trap")
    func takenPort() async throws {
        var options = SimulatorOptions()
        options.voice = .tone
        let first = try Simulator(options: options)
        options.port = try await first.start()
        let second = try Simulator(options: options)
        await #expect(throws: SimulatorError.self) { try await second.start() }
        await #expect(throws: SimulatorError.alreadyStarted) { try await first.start() }
        await first.stop()
        try await second.start()
        await second.stop()
    }

    @Test("a voice that espeak-ng does not have is found out at the start")
    func unknownVoice() async throws {
        var options = SimulatorOptions()
        options.voice = .espeak
        options.script.voice = "xx-nowhere"
        let simulator = try Simulator(options: options)
        await #expect(throws: SimulatorError.voiceUnavailable("espeak-ng does not speak 'xx-nowhere'")) {
            try await simulator.start()
        }
    }

    @Test("whoever follows the log gets every entry and the end")
    func following() async throws {
        var options = SimulatorOptions()
        options.voice = .tone
        let simulator = try Simulator(options: options)
        let entries = simulator.log.follow()
        try await simulator.start()
        await simulator.stop()
        var kinds: [SimulatorLog.Kind] = []
        for await entry in entries { kinds.append(entry.kind) }
        #expect(kinds == [.started, .stopped])
    }
}
