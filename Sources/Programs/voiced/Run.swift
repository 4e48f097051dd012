import ArgumentParser
import Assembly
import Logging
import Settings

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The production daemon.",
        discussion: """
            Needs OPENAI_API_KEY and VOICED_TOKEN_SECRET (or …_FILE) and media.public_url. REST and the participant's
            page are voice-web's; both programs read the same configuration and store.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let configuration = try options.load(.run)
        ProcessRules.apply()
        LogOutput.install(configuration.log)
        let log = Logger(label: "voiced")
        let signals = await SignalWatch(log: log, reloads: true)
        for warning in configuration.warnings { log.warning("\(warning)") }
        let daemon: Daemon
        do {
            daemon = try await Daemon(
                try await Foundations(configuration, makesSecret: false, log: log), source: options.source(.run))
        } catch { throw fail(error) }
        log.notice(
            "ready",
            metadata: [
                "media": "\(daemon.places.media)", "agent": "\(daemon.places.agent)",
                "metrics": "\(daemon.places.metrics)", "admin": "\(daemon.places.adminSocket)",
            ])
        await signals.untilEnded(
            by: daemon.drainAndStop, skip: daemon.skipDrain, reload: { _ = await daemon.reload() })
        log.notice("ended")
        LogOutput.flush()
    }
}
