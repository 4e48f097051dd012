import ArgumentParser
import Foundation

/// `--watch`: asks again and again until Ctrl-C. On a terminal the picture is drawn over the last one; into a pipe one
/// follows the other, with an empty line between tables and none between JSON objects.
package struct Watch: ParsableArguments {
    @Option(
        name: .long, defaultAsFlag: 1,
        help: ArgumentHelp(
            "Ask every second, or every so many, until Ctrl-C. Write it last, or as --watch=2.", valueName: "seconds"))
    var watch: Int? = nil

    package init() {}

    static let longest = 3_600

    package func validate() throws {
        if let watch, !(1...Self.longest).contains(watch) {
            throw ValidationError("--watch is a number of seconds from 1 to \(Self.longest).")
        }
    }

    /// Prints what `body` makes, once or again and again.
    func show(_ body: () async throws -> String) async throws {
        guard let seconds = watch else { return write(Self.line(try await body())) }
        Self.endQuietly()
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var isFirst = true
        while true {
            let text = try await body()
            write(isTerminal ? Self.screen(text, isFirst: isFirst) : Self.block(text, isFirst: isFirst))
            isFirst = false
            try await Task.sleep(for: .seconds(seconds))
        }
    }

    /// Each line cleared behind its end and the rest of the screen below the last: nothing flickers.
    package static func screen(_ text: String, isFirst: Bool) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return (isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    package static func block(_ text: String, isFirst: Bool) -> String {
        isFirst || text.hasPrefix("{") ? line(text) : "\n" + line(text)
    }

    private static func line(_ text: String) -> String { text.hasSuffix("\n") ? text : text + "\n" }

    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Ctrl-C is how one stops watching: no error.
    private static func endQuietly() {
        signal(SIGINT) { _ in _exit(0) }
    }
}
