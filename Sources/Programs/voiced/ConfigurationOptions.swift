import ArgumentParser
import Assembly
import Foundation
import Settings

/// Where a program's configuration comes from; the same for every command.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long, help: "A YAML file; what it does not say has its default (voiced check-config --print-defaults).")
    var config: String?

    @Option(name: .customLong("set"), help: "One value, for example --set media.port=9000. Wins over all else.")
    var overrides: [String] = []

    func load(_ purpose: Configuration.Purpose, extra: [String] = []) throws -> Configuration {
        do {
            return try Configuration.load(
                file: config, environment: ProcessInfo.processInfo.environment, overrides: extra + overrides,
                purpose: purpose)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(78)
        }
    }
}

/// Prints why a start failed and ends with 1.
func fail(_ error: any Error) -> ExitCode {
    LogOutput.flush()
    FileHandle.standardError.write(Data("voiced: \(error)\n".utf8))
    return ExitCode(1)
}
