import ArgumentParser
import Foundation
import InterviewCore

/// The operator's hand on a running voiced: `voicectl status | sessions | fleet | show ID | cost [ID] | close ID | drain | reload`.
@main
struct Voicectl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voicectl",
        abstract: "Look into a running voiced, and tell it what to do.",
        discussion: """
            Speaks to the daemon's admin socket on this machine: --socket, else $VOICED_ADMIN_SOCKET, else \
            /run/voiced/admin.sock, else admin.sock in the state folder. The socket belongs to the daemon's user: become \
            that user, or root.

            EXAMPLES
              voicectl status                        how is it?
              voicectl sessions                      who is talking?
              voicectl sessions --watch              … and go on asking
              voicectl sessions --stuck              what does nobody run any more, anywhere?
              voicectl fleet                         which processes are there?
              voicectl show 8m2q4w7k1x3v5b9n0c6d     what happens in that one?
              voicectl cost                          what has it cost so far?
              voicectl close 8m2q4w7k1x3v5b9n0c6d --reason "asked by the participant"
              voicectl drain --timeout 2700          no new ones; end after the last
              voicectl reload                        read the configuration again
              voicectl sessions --json | jq '.sessions[] | select(.connected | not)'

            COMPLETION
              voicectl --generate-completion-script bash > /etc/bash_completion.d/voicectl
              (zsh and fish too; README says where)

            EXIT STATUS
              0  done
              1  the daemon refused, or knows no such session
              2  the command line is wrong
              3  no daemon can be reached
            """,
        version: BuildVersion.text,
        subcommands: [
            Status.self, Sessions.self, Fleet.self, Show.self, Cost.self, Close.self, Drain.self, Reload.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            complain(failure.description)
            Foundation.exit(failure.exitCode)
        } catch {
            let text = fullMessage(for: error)
            // ArgumentParser's own code for a wrong command line is 64; ours is the shell's customary 2.
            switch exitCode(for: error) {
            case .success:
                print(text)
                Foundation.exit(0)
            case .validationFailure:
                complain(text)
                Foundation.exit(2)
            default:
                if !text.isEmpty { complain(text) }
                Foundation.exit(1)
            }
        }
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}
