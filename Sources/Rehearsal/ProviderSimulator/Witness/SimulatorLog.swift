import Foundation
import Synchronization

/// What the simulator heard and said, with times: the witness of a rehearsal.
///
/// It holds conversations in plain words on purpose: simulated ones are all that is ever said here.
package final class SimulatorLog: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case started
        /// A handshake that was answered with an HTTP status.
        case refused
        case connected
        case sessionUpdated = "session_updated"
        case speechStarted = "speech_started"
        case speechStopped = "speech_stopped"
        case idleTimeout = "idle_timeout"
        /// A turn of the participant became an item.
        case committed
        case cleared
        case userTranscript = "user_transcript"
        case itemCreated = "item_created"
        case itemDeleted = "item_deleted"
        case toolOutput = "tool_output"
        case responseCreated = "response_created"
        case firstAudio = "first_audio"
        case toolCalled = "tool_called"
        /// An item was spoken, wholly or up to an interruption.
        case said
        case responseDone = "response_done"
        case cancel
        case truncated
        case errorSent = "error_sent"
        /// Something went wrong on purpose.
        case fault
        case closed
        case stopped
    }
    package struct Entry: Equatable, Sendable {
        /// Counts from 1 without gaps.
        package var sequence: Int
        /// Since the log was opened.
        package var milliseconds: Double
        /// 0: the simulator itself.
        package var connection: Int
        package var kind: Kind
        package var fields: JSONObject

        package subscript(_ field: String) -> JSON? { fields[field] }

        package var json: JSON {
            var object: JSONObject = [
                "seq": .integer(sequence), "ms": .number(milliseconds), "connection": .integer(connection),
                "kind": .string(kind.rawValue),
            ]
            object.members += fields.members
            return .object(object)
        }
    }
    private struct State: Sendable {
        var entries: [Entry] = []
        var next = 1
        var followers: [Int: AsyncStream<Entry>.Continuation] = [:]
        var nextFollower = 0
    }

    /// Entries kept in memory; the file keeps all.
    package static let maximumEntries = 200_000
    private let file: FileHandle?
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    package init(path: String?) throws(SimulatorError) {
        guard let path else {
            file = nil
            return
        }
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { throw .cannotWrite(path: path) }
        self.file = file
    }

    package func record(_ kind: Kind, connection: Int, _ fields: JSONObject = [:]) {
        let elapsed = (ContinuousClock.now - began) / .milliseconds(1)
        state.withLock { state in
            let entry = Entry(
                sequence: state.next, milliseconds: (elapsed * 1_000).rounded() / 1_000, connection: connection,
                kind: kind, fields: fields)
            state.next += 1
            if state.entries.count >= Self.maximumEntries { state.entries.removeFirst(Self.maximumEntries / 10) }
            state.entries.append(entry)
            // Under the lock, so that lines stand in the order of their numbers.
            try? file?.write(contentsOf: Data(entry.json.bytes + [UInt8(ascii: "\n")]))
            for follower in state.followers.values { follower.yield(entry) }
        }
    }

    package var entries: [Entry] { state.withLock { $0.entries } }

    package func entries(of kind: Kind) -> [Entry] { entries.filter { $0.kind == kind } }

    /// All entries, past ones first, then each as it comes.
    package func follow() -> AsyncStream<Entry> {
        let (stream, continuation) = AsyncStream.makeStream(of: Entry.self)
        let number = state.withLock { state in
            for entry in state.entries { continuation.yield(entry) }
            state.nextFollower += 1
            state.followers[state.nextFollower] = continuation
            return state.nextFollower
        }
        continuation.onTermination = { [weak self] _ in self?.forget(number) }
        return stream
    }

    /// Ends every `follow`.
    package func finish() {
        let followers = state.withLock { state in
            defer { state.followers = [:] }
            return state.followers
        }
        for follower in followers.values { follower.finish() }
    }

    private func forget(_ follower: Int) {
        state.withLock { $0.followers[follower] = nil }
    }
}
