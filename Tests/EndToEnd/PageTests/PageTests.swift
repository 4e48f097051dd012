import Foundation
import Testing

/// The real program, a real browser with a recorded voice as its microphone. What is compared, and how, stands in
/// `Tests/EndToEnd/Page/page_call.py`. Serialized: a browser, a daemon and a simulator fill two cores.
@Suite(.serialized) struct PageTests {
    @Test(
        "a person speaks in a browser, is answered, loses the line for five seconds, and goes on",
        .timeLimit(.minutes(6)))
    func call() async throws {
        let system = try await DevProcess.start()
        defer { system.stop() }
        let outcome = try await Self.drive(system)
        #expect(outcome.status == 0, "\(outcome.lastLine)")
        #expect(outcome.lastLine.contains("\"ok\": true"))
    }

    @Test("a page that is muted after the greeting is noticed", .timeLimit(.minutes(6)))
    func sabotaged() async throws {
        let system = try await DevProcess.start()
        defer { system.stop() }
        let outcome = try await Self.drive(system, environment: ["SABOTAGE": "1"])
        #expect(outcome.status != 0)
        #expect(outcome.lastLine.contains("\"ok\": false"))
    }

    private static func drive(_ system: DevProcess, environment: [String: String] = [:]) async throws -> Finished {
        let root = Repository.root
        let artefacts = ProcessInfo.processInfo.environment["VOICED_ARTEFACTS"] ?? "\(root)/.build/artefacts"
        return try await Finished.run(
            "\(root)/.build/python/bin/python3",
            [
                "\(root)/Tests/EndToEnd/Page/page_call.py", "--web-url", system.startPage, "--sim-audio",
                system.simulatorFolder, "--artefacts", "\(artefacts)/page\(environment.isEmpty ? "" : "-sabotaged")",
            ], environment: environment)
    }
}
