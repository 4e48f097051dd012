import Foundation
import GRDB
import InterviewCore
import Ports
import SQLiteStore
import Testing

/// During every deploy two builds share these rows, so their shapes are kept as files. A test that fails here says that
/// the running build would not read what the next one writes: add a field as optional and a new file beside the old
/// one, never change an old file.
@Suite("Shapes of journal rows")
struct JournalFixtureTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Golden/Journal")

    private static let usage = Usage(
        textIn: 1, audioIn: 2, imageIn: 3, cachedTextIn: 4, cachedAudioIn: 5, cachedImageIn: 6, textOut: 7, audioOut: 8,
        milliseconds: 9)

    /// File name (`kind` up to the first dot) and what it means.
    static let entries: [(String, JournalEntry)] = [
        (
            "turn.participant",
            .turn(
                Turn(
                    speaker: .participant, item: "item_1", text: "Grüße, \"Welt\" / 👋", startMilliseconds: 1_200,
                    endMilliseconds: 3_400, captureStart: 4_294_967_295, captureEnd: 105_599, client: "page-1",
                    phase: "opening"))
        ),
        (
            "turn.textless",
            .turn(
                Turn(
                    speaker: .participant, item: "item_2", text: nil, startMilliseconds: 5_000, endMilliseconds: 6_000,
                    captureStart: 0, captureEnd: 48_000, client: "page-1"))
        ),
        (
            "turn.interrupted",
            .turn(
                Turn(
                    speaker: .agent, item: "item_3", text: "And how", startMilliseconds: 6_500, endMilliseconds: 9_000,
                    heardMilliseconds: 740))
        ),
        (
            "usage.response",
            .usage(
                UsageEntry(
                    provider: "openai", model: "gpt-realtime", response: "resp_1", usage: usage, micros: 12_345,
                    estimated: false))
        ),
        ("phase.entered", .phase(PhaseEntry(phase: "main"))),
        ("end.left", .end(EndEntry(reason: .participantLeft, detail: "left"))),
        ("end.completed", .end(EndEntry(reason: .completed))),
        ("note.recording", .note(NoteEntry(what: "recording_failed"))),
    ]

    @Test("this build writes each entry as its file says", arguments: entries)
    func writes(name: String, entry: JournalEntry) async throws {
        #expect(try await stored(entry) == (try text(name)))
    }

    @Test("this build reads each file as its entry", arguments: entries)
    func reads(name: String, entry: JournalEntry) async throws {
        #expect(try await entryRead(kind: name, body: text(name)) == entry)
    }

    @Test(
        "this build reads what a newer one adds to an entry",
        arguments: [("newer.turn", 0), ("newer.usage", 3), ("newer.end", 6)])
    func readsNewer(name: String, meaning: Int) async throws {
        let kind = String(name.drop { $0 != "." }.dropFirst())
        #expect(try await entryRead(kind: kind, body: text(name)) == Self.entries[meaning].1)
    }

    @Test("every file is of use here")
    func noStrangers() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        let known = (Self.entries.map { "\($0.0).json" } + ["newer.turn.json", "newer.usage.json", "newer.end.json"])
        #expect(files == known.sorted())
    }

    private func text(_ name: String) throws -> String {
        let text = try String(contentsOf: Self.folder.appending(path: "\(name).json"), encoding: .utf8)
        return text.trimmingCharacters(in: .newlines)
    }

    private func stored(_ entry: JournalEntry) async throws -> String? {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        try await store.append(
            [JournalRecord(session: conversation.id, epoch: 1, sequence: 0, entry: entry)], as: conversation.holder)
        await store.close()
        return try await temporary.stranger().read { try String.fetchOne($0, sql: "SELECT body FROM journal") }
    }

    /// Through a row that somebody else has written.
    private func entryRead(kind: String, body: String) async throws -> JournalEntry? {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        let kind = String(kind.prefix { $0 != "." })
        try await temporary.stranger().write { database in
            try database.execute(
                sql: "INSERT INTO journal(session, epoch, sequence, kind, at, body) VALUES ('s', 1, 0, ?, 0, ?)",
                arguments: [kind, body])
        }
        let entry = try await store.journal(of: conversation.id).first?.entry
        await store.close()
        return entry
    }
}
