import ArgumentParser
import Assembly
import Foundation
import InterviewCore
import Logging
import Settings

@main
struct VoiceWeb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-web",
        abstract: "REST and the participant's page of voiced.",
        discussion: """
            Needs the same store, VOICED_TOKEN_SECRET and media.public_url as voiced, and VOICED_API_KEYS
            (name:sha256-of-the-key[:scope+scope], separated by commas) for those who create sessions. A key's hash:
              printf %s "$KEY" | sha256sum

            EXIT CODES
              0   ended as asked
              1   could not start
              78  the configuration is wrong (every problem has been printed)
            """,
        version: BuildVersion.text)

    @Option(
        name: .long, help: "A YAML file; what it does not say has its default (voiced check-config --print-defaults).")
    var config: String?

    @Option(name: .customLong("set"), help: "One value, for example --set web.port=9000. Wins over all else.")
    var overrides: [String] = []

    func run() async throws {
        let configuration: Configuration
        do {
            configuration = try Configuration.load(
                file: config, environment: ProcessInfo.processInfo.environment, overrides: overrides, purpose: .web)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(78)
        }
        ProcessRules.apply()
        LogOutput.install(configuration.log)
        let log = Logger(label: "voice-web")
        let signals = await SignalWatch(log: log)
        for warning in configuration.warnings { log.warning("\(warning)") }
        let foundations: Foundations
        let web: WebProgram
        do {
            foundations = try await Foundations(configuration, makesSecret: false, log: log)
            web = try await WebProgram(foundations, mediaURL: configuration.media.publicURL ?? "", open: false)
        } catch {
            LogOutput.flush()
            FileHandle.standardError.write(Data("voice-web: \(error)\n".utf8))
            throw ExitCode(1)
        }
        log.notice("ready", metadata: ["web": "\(web.port)", "metrics": "\(web.metricsPort)"])
        await signals.untilEnded(by: web.stop, skip: {})
        await foundations.close()
        log.notice("ended")
        LogOutput.flush()
    }
}
