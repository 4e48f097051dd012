import ArgumentParser
import Assembly
import Foundation
import InterviewCore
import Settings

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Tells every mistake of a configuration at once; opens no socket.",
        discussion: """
            Reads what `voiced run` (or voice-web, with --for web) would read: flags, environment, file, secrets, studies
            and prices. Exit code 0: it would start; 78: it would not, and every reason has been printed.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .customLong("print-defaults"), help: "Print the annotated default configuration and end.")
    var printDefaults = false

    @Option(name: .customLong("for"), help: "run, dev or web.")
    var purpose = "run"

    func run() async throws {
        if printDefaults {
            print(ConfigurationReference.text, terminator: "")
            return
        }
        let purposes: [String: Configuration.Purpose] = ["run": .run, "dev": .dev, "web": .web]
        guard let purpose = purposes[purpose] else { throw ValidationError("--for is run, dev or web") }
        let configuration = try options.load(purpose)
        do {
            let models = [configuration.openAI.model] + (configuration.openAI.transcriptionModel.map { [$0] } ?? [])
            _ = try Documents.prices(file: configuration.pricesFile, models: models)
            let studies = try Documents.studies(in: configuration.studiesFolder)
            for warning in configuration.warnings { print("warning: \(warning)") }
            let store = configuration.secrets.databaseURL == nil ? "SQLite, \(configuration.sqliteFile)" : "PostgreSQL"
            print("The configuration is good (\(studies.count) studies in \(configuration.studiesFolder)).")
            print("The store is \(store).")
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(78)
        }
    }
}
