import ArgumentParser

@main
struct VoiceDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-drill",
        abstract: "Rehearsals that can fail: real processes, a witness that is not voiced, one line of JSON.",
        discussion: """
            Progress goes to standard error, the verdict to standard output: one JSON object with "ok", the figures and, \
            when it falls short, "failures". Exit code 0 when ok. SABOTAGE=1 in the environment breaks on purpose what a \
            drill watches: then it must end non-zero.
            """,
        subcommands: [
            CallDrill.self, DrainDrill.self, RejoinDrill.self, LimitsDrill.self, ProviderDrill.self, LoadDrill.self,
            LiveDrill.self, CrashDrill.self, SplitBrainDrill.self, OutageDrill.self, ReaperDrill.self,
            BudgetRaceDrill.self, OwnershipDrill.self, PoisonDrill.self,
        ])
}

/// What every drill is told.
package struct DrillOptions: ParsableArguments {
    @Option(help: "Folder of voiced, voice-web and voice-sim. Default: where this program lies.")
    var binaries: String?

    @Option(help: "Folder with prices.yaml.")
    var manifests = "Manifests"

    @Flag(help: "Shorter: what `make test` does for each sabotage.")
    var small = false

    @Flag(help: "Leave the processes' files (configuration, logs, sound, database) and say where.")
    var keep = false

    package init() {}

    /// As on a command line, for tests that start the same processes.
    package static func make(binaries: String, manifests: String) throws -> DrillOptions {
        try parse(["--binaries", binaries, "--manifests", manifests])
    }
}
