import ArgumentParser
import InterviewCore

@main
struct Voiced: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voiced",
        abstract: "Runs voice-AI interviews.",
        discussion: """
            `voiced dev` starts everything on this machine with a simulated provider and prints where to click.
            `voiced run` is the production daemon; `voiced check-config` tells what is wrong with a configuration
            before anything starts. Operators talk to a running daemon with voicectl.

            SIGTERM (or Ctrl-C) lets running conversations end, at most for drain.timeout; a second one, at least a
            second later, closes them at once. Nothing is lost either way: closed conversations can be rejoined.

            EXIT CODES
              0   ended as asked
              1   could not start, or failed while running
              78  the configuration is wrong (every problem has been printed)
            """,
        version: BuildVersion.text,
        subcommands: [Run.self, Dev.self, CheckConfig.self, JoinRecording.self])
}
