import TestKit

/// One row of the table: what a peer sends, and everything that may come of it.
struct BadInput: Sendable, CustomStringConvertible {
    /// Where it is sent.
    enum Act: Sendable {
        /// A request head; in place of `{session}` and `{token}` stand those of the row's session.
        case knock(String, to: Door = .open)
        /// A request head whose end never comes.
        case trickle(String)
        /// Frames on a line that has been upgraded and has said nothing yet.
        case beforeHello([[UInt8]])
        /// Frames on a line that talks: PCM or Opus up.
        case line(pcm: Bool, [[UInt8]])
    }

    /// The session that is knocked for.
    enum Door: Sendable {
        case open
        /// Its participant has said goodbye.
        case ended
    }

    enum Answer: Sendable, Equatable {
        case status(Int, code: String)
        /// The close code, and the `error` message before it.
        case closed(Int, error: String?)
        /// The line is cut without a word.
        case cut
        /// Nothing is wrong enough: the conversation goes on, and ends by the participant's goodbye.
        case taken
    }

    /// The only series of the daemon's failure counters that grows.
    enum Counted: Sendable, Equatable {
        case refused(String)
        case lost(String)
        case badPackets(Int)
        case nothing
    }

    /// What the row says in the end.
    enum Stored: String, Sendable {
        /// Nobody has joined, somebody still may.
        case scheduled = "scheduled - -"
        /// The line was their fault and they did not come back.
        case dropped = "ended participant_left dropped"
        case left = "ended participant_left left"
    }

    var name: String
    var act: Act
    var answer: Answer
    var counted: Counted
    /// Words of the one line in the log.
    var logged: [String]
    var stored: Stored
    var description: String { name }

    // MARK: Making rows

    /// Refused at the door by what is in the head alone.
    static func knock(_ name: String, _ head: String, _ status: Int, _ code: String, _ door: Door = .open) -> BadInput {
        BadInput(
            name: name, act: .knock(head, to: door), answer: .status(status, code: code), counted: .refused(code),
            logged: [#""event":"knock refused""#, #""code":"\#(code)""#], stored: door == .open ? .scheduled : .left)
    }

    /// Refused by admission, which knows the session.
    static func refused(
        _ name: String, _ head: String, _ status: Int, _ code: String, _ door: Door = .open
    ) -> BadInput {
        var row = knock(name, head, status, code, door)
        row.logged = [#""event":"join refused""#, #""code":"\#(code)""#]
        return row
    }

    static func silent(_ name: String, _ frames: [[UInt8]], _ code: Int, _ error: String?, cause: String) -> BadInput {
        BadInput(
            name: name, act: .beforeHello(frames), answer: .closed(code, error: error), counted: .lost(cause),
            logged: [#""event":"participant lost before hello""#, #""cause":"\#(cause)""#], stored: .scheduled)
    }

    static func line(
        _ name: String, pcm: Bool = true, _ frames: [[UInt8]], _ code: Int, _ error: String?, cause: String
    ) -> BadInput {
        BadInput(
            name: name, act: .line(pcm: pcm, frames), answer: .closed(code, error: error), counted: .lost(cause),
            logged: [#""event":"participant lost""#, #""cause":"\#(cause)""#], stored: .dropped)
    }

    static func taken(_ name: String, pcm: Bool = true, _ frames: [[UInt8]], badPackets: Int = 0) -> BadInput {
        BadInput(
            name: name, act: .line(pcm: pcm, frames), answer: .taken,
            counted: badPackets > 0 ? .badPackets(badPackets) : .nothing,
            logged: [#""event":"session ends""#, #""detail":"left""#], stored: .left)
    }
}
