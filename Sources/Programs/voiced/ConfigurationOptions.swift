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

    /// Reads the layers again, each time it is called: for a reload.
    func source(_ purpose: Configuration.Purpose) -> Daemon.ConfigurationSource {
        let (file, overrides) = (config, overrides)
        return { () throws(ConfigurationErrors) in
            try Configuration.load(
                file: file, environment: ProcessInfo.processInfo.environment, overrides: overrides, purpose: purpose)
        }
    }

    func load(_ purpose: Configuration.Purpose) throws -> Configuration {
        do {
            return try source(purpose)()
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
