import InterviewCore
import Logging
import ProviderSimulator
import Sessions
import Settings

/// `voiced dev`: simulator, daemon and web in one process, on embedded parts, for a laptop.
package final class DevSystem: Sendable {
    private let simulator: Simulator?
    private let daemon: Daemon
    private let web: WebProgram
    package let startPage: String
    package let webMetrics: Int
    package let places: Daemon.Places
    /// The simulator's address; nil with `live`.
    package let providerURL: String?

    /// `live`: the configured provider with the key from the environment, instead of the simulator.
    package init(
        _ configuration: Configuration, live: Bool, simulation: SimulatorOptions,
        source: Daemon.ConfigurationSource? = nil, log: Logger
    ) async throws(AssemblyError) {
        var configuration = configuration
        if live {
            simulator = nil
            providerURL = nil
        } else {
            let simulator: Simulator
            let port: Int
            do {
                simulator = try Simulator(options: simulation, logger: Daemon.quiet(log))
                port = try await simulator.start()
            } catch { throw .simulator("the simulator does not start: \(error)") }
            self.simulator = simulator
            let url = "ws://\(simulation.host):\(port)/v1"
            providerURL = url
            configuration.openAI.baseURL = url
            configuration.secrets.openAIKey = Secret(simulation.apiKey ?? "simulated")
        }
        // With web.port 0 nobody knows the page's origin before the door opens; the token decides alone then.
        if configuration.media.origins.isEmpty { configuration.media.origins = ["*"] }
        let foundations = try await Foundations(configuration, makesSecret: true, log: log)
        daemon = try await Daemon(foundations, source: source)
        places = daemon.places
        let mediaURL = configuration.media.publicURL ?? "ws://127.0.0.1:\(daemon.places.media)"
        web = try await WebProgram(foundations, mediaURL: mediaURL, open: true)
        webMetrics = web.metricsPort
        startPage = configuration.web.publicURL ?? "http://127.0.0.1:\(web.port)"
    }

    package func health() async -> HealthReport { await daemon.supervisor.health() }

    package func drainAndStop() async {
        await daemon.supervisor.drainAndWait(timeout: nil)
        await web.stop()
        await daemon.stop()
        await simulator?.stop()
    }

    package func skipDrain() async { await daemon.skipDrain() }
}
