import ArgumentParser
import Assembly
import Foundation
import Settings

struct JoinRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join-recording",
        abstract: "Joins the parts of one recording into one file; opens no socket.",
        discussion: """
            A conversation is recorded in parts of at most a minute. This makes one Ogg Opus file of them with two tracks,
            participant and agent, without encoding anything again. Its time is the conversation's own, as in the
            transcript: what no part covers is silent. Takes parts that a killed process left, and those of a conversation
            that still runs. What is missing is said on standard error, a line each.

            EXAMPLES
              voiced join-recording 8m2q4w7k1x3v5b9n0c6d --output interview.ogg
              voiced join-recording ./backup/8m2q4w7k1x3v5b9n0c6d --output interview.ogg --force
              ffmpeg -i interview.ogg -filter_complex '[0:a:0][0:a:1]amix=normalize=0' both.wav

            EXIT CODES
              0   the file is there (what it lacks has been said)
              1   there is no file: no parts, none readable, it exists already, the disk is full
              78  the configuration is wrong
            """)

    @Argument(help: "A session's id, or a folder with its parts (with a / in it: ./ID).")
    var subject: String

    @Option(name: [.short, .long], help: ArgumentHelp("The file to make.", valueName: "file"))
    var output: String

    @Flag(name: .long, help: "Replace the file if it exists.")
    var force = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let configuration = try options.load(.files)
        do {
            let joined = try JoinedRecording(
                of: subject, to: output, replace: force, configuration: configuration)
            for remark in joined.remarks { FileHandle.standardError.write(Data("\(remark)\n".utf8)) }
            print(joined.summary)
        } catch { throw fail(error) }
    }
}
