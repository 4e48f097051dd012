import Assembly
import Foundation
import InterviewCore
import Logging
import Ports
import SQLiteStore
import Testing

@Suite("Metrics of studies")
struct StudyMetricsTests {
    @Test("the page tells what each study has cost, debt included, and what it may cost; Prometheus' linter is content")
    func page() async throws {
        let store = try await GRDBStore.open(.temporary(), logger: Logger(label: "test"))
        for (name, cap) in [("b", 20_000_000), ("a", nil)] as [(String, Int64?)] {
            try await store.save(
                Study(
                    id: try #require(StudyID(name)), name: "n", language: "en", instructions: "i", greeting: "",
                    budgetMicros: cap))
        }
        try await spend(1_200_300, in: store)
        let page = try await StudyMetrics(store: store).page()
        #expect(page.contains("\nvoice_study_spend_dollars{study_id=\"a\"} 0\n"))
        #expect(page.contains("\nvoice_study_spend_dollars{study_id=\"b\"} 1.2003\n"))
        #expect(page.contains("\nvoice_study_budget_dollars{study_id=\"b\"} 20\n"))
        #expect(!page.contains("voice_study_budget_dollars{study_id=\"a\"}"))
        #expect(try promtool(page) == "")
        await store.close()
        await #expect(throws: StoreError.self) { _ = try await StudyMetrics(store: store).page() }
    }

    /// More than a reservation: some of it is debt.
    private func spend(_ micros: Int64, in store: GRDBStore) async throws {
        let (id, me) = (try #require(SessionID("s")), InstanceID("me"))
        let row = try await store.create(
            NewSession(id: id, study: try #require(StudyID("b")), participant: "p", expiresIn: .seconds(60)))
        _ = try await store.register(
            NewInstance(id: me, build: "b", mediaAddress: "127.0.0.1:9", mediaURL: nil, capacity: 1))
        guard case .claimed(let claimed) = try await store.claim(id, expecting: row.ownership, by: me, client: "c")
        else { throw StoreError.fenced }
        let usage = UsageEntry(
            provider: "openai", model: "m", response: "r", usage: Usage(), micros: micros, estimated: false)
        try await store.append(
            [JournalRecord(session: id, epoch: 1, sequence: 0, entry: .usage(usage))], as: claimed.ownership)
    }

    /// What `promtool check metrics` has to say.
    private func promtool(_ page: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/promtool")
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(page.utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self) + (process.terminationStatus == 0 ? "" : "exit")
    }
}
