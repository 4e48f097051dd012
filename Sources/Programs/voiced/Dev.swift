import ArgumentParser
import Assembly
import Foundation
import InterviewCore
import Logging
import ProviderSimulator
import Settings

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Everything on this machine: simulator, daemon, REST and page.",
        discussion: """
            Nothing else has to be installed and no key is needed. Listens on 127.0.0.1 only; REST is open. What it keeps
            (SQLite file, recordings, token secret) lies in the state folder, which it prints.

            EXAMPLES
              voiced dev
              voiced dev --set web.port=3100 --set media.port=8182
              OPENAI_API_KEY=sk-… voiced dev --live
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Use the vendor (OPENAI_API_KEY) instead of the simulator. This costs money.")
    var live = false

    @Option(help: "A script for the simulator (JSON; see voice-sim --help).")
    var script: String?

    @Option(help: "A folder where the simulator keeps what it heard and said, and its log.")
    var simFolder: String?

    func run() async throws {
        // Quiet by default: whoever runs this looks at a terminal with an address to click.
        let configuration = try options.load(.dev)
        ProcessRules.apply()
        LogOutput.install(configuration.log)
        let log = Logger(label: "voiced")
        let signals = await SignalWatch(log: log)
        if live, configuration.secrets.openAIKey == nil {
            throw ValidationError("--live needs OPENAI_API_KEY (or OPENAI_API_KEY_FILE)")
        }
        let system: DevSystem
        do {
            system = try await DevSystem(
                configuration, live: live, simulation: try simulation(), source: options.source(.dev), log: log)
        } catch { throw fail(error) }
        greet(system, configuration)
        await signals.untilEnded(
            by: {
                let running = await system.health().activeSessions
                if running > 0 { say("\(running) conversation(s) still running; Ctrl-C again closes them.") }
                await system.drainAndStop()
            }, skip: system.skipDrain)
        LogOutput.flush()
    }

    private func simulation() throws -> SimulatorOptions {
        var simulation = SimulatorOptions()
        simulation.seed = .random(in: 1 ... .max)
        if let script { simulation.script = try Script(json: Array(Data(contentsOf: URL(filePath: script)))) }
        if let simFolder {
            simulation.audioFolder = simFolder
            simulation.logPath = "\(simFolder)/sim.log"
        }
        return simulation
    }

    private func greet(_ system: DevSystem, _ configuration: Configuration) {
        say(
            """

            voiced is running.

              Open   \(system.startPage)   and start an interview

              provider  \(system.providerURL.map { "\($0) (simulated)" } ?? configuration.openAI.baseURL)
              media     port \(system.places.media)
              health    http://127.0.0.1:\(system.places.agent)/health
              metrics   http://127.0.0.1:\(system.places.metrics)/metrics
              money     http://127.0.0.1:\(system.webMetrics)/metrics
              admin     \(system.places.adminSocket)
              state     \(configuration.stateFolder)

            Ctrl-C ends it.

            """)
    }
}

/// To standard output, at once.
private func say(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
}
