import Assembly
import Foundation
import InterviewCore
import Logging
import Ports
import SQLiteStore
import Settings
import Synchronization
import Testing

/// A daemon without conversations whose configuration changes.
@Suite("Daemon, reloaded", .serialized)
struct DaemonSettingsTests {
    private final class Rig: Sendable {
        let folder: String
        let overrides: Mutex<[String]> = Mutex([])

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "reload-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: "\(folder)/studies", withIntermediateDirectories: true)
        }

        func load() throws(ConfigurationErrors) -> Configuration {
            var configuration = try Configuration.load(
                file: nil, environment: [:],
                overrides: [
                    "agent.port=0", "media.port=0", "metrics.port=0", "web.port=0", "web.metrics_port=0", "loops=2",
                    "state.folder=\(folder)", "admin.socket=\(folder)/a.sock", "studies.folder=\(folder)/studies",
                    "providers.openai.base_url=ws://127.0.0.1:1/v1",
                ] + overrides.withLock { $0 }, purpose: .dev)
            configuration.secrets.openAIKey = Secret("simulated")
            return configuration
        }

        func set(_ values: String...) { overrides.withLock { $0 = values } }

        func run(_ body: (Daemon, any Control, Foundations) async throws -> Void) async throws {
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let foundations = try await Foundations(try load(), makesSecret: true, log: log)
            let daemon = try await Daemon(foundations, source: { () throws(ConfigurationErrors) in try self.load() })
            let result: Result<Void, any Error>
            do { result = .success(try await body(daemon, daemon.supervisor, foundations)) } catch {
                result = .failure(error)
            }
            await daemon.drainAndStop()
            try result.get()
        }
    }

    @Test("with less free space than the limit nothing new is accepted, until a reload lowers it")
    func disk() async throws {
        let rig = try Rig()
        // 10 TB: more than this disk has free.
        rig.set("disk.min_free_mib=10000000")
        try await rig.run { daemon, control, _ in
            #expect(await control.health().reasons == ["disk"])
            rig.set("disk.min_free_mib=0")
            let report = await daemon.reload()
            #expect(report == ReloadReport(outcome: .applied, applied: ["disk.min_free_mib"]))
            #expect(await control.health().acceptingNew)
            #expect(await control.metricsPage().contains("voice_disk_free_bytes{folder=\"state\"} "))
        }
    }

    @Test("what can change does, what needs a restart is named each time, and nothing different is nothing")
    func reload() async throws {
        let rig = try Rig()
        try await rig.run { daemon, control, foundations in
            #expect(await daemon.reload() == ReloadReport(outcome: .unchanged))
            try Data("name: New\nlanguage: en\ninstructions: Talk.\ngreeting: Hello.\n".utf8)
                .write(to: URL(filePath: "\(rig.folder)/studies/new.yaml"))
            rig.set("capacity.per_loop=7", "providers.openai.vad.threshold=0.7", "encoder=1", "loops=3")
            let refused = try #require(await daemon.reload())
            #expect(refused.outcome == .refused)
            #expect(refused.problems.count == 1)
            #expect(await control.health().capacity == 200)
            #expect(try await foundations.store.study(try #require(StudyID("new"))) == nil)

            rig.set("capacity.per_loop=7", "providers.openai.vad.threshold=0.7", "loops=3", "media.token_in_query=true")
            let report = try #require(await daemon.reload())
            #expect(report.outcome == .applied)
            #expect(report.applied == ["capacity.per_loop", "providers.openai.vad.threshold", "studies.folder"])
            #expect(report.needsRestart == ["media.token_in_query", "loops"])
            #expect(await control.health().capacity == 14)
            #expect(try await foundations.store.study(try #require(StudyID("new")))?.name == "New")
            let again = try #require(await daemon.reload())
            #expect(again.applied == [])
            #expect(again.needsRestart == ["media.token_in_query", "loops"])
        }
    }

    @Test("every mistake is told at once: in keys, in prices and in studies")
    func mistakes() async throws {
        let rig = try Rig()
        try await rig.run { daemon, _, _ in
            rig.set("capacity.per_loop=0", "log.level=loud")
            #expect(await daemon.reload()?.problems.count == 2)
            rig.set("prices.file=\(rig.folder)/none.yaml")
            try Data("language: 5\n".utf8).write(to: URL(filePath: "\(rig.folder)/studies/bad.yaml"))
            let report = try #require(await daemon.reload())
            #expect(report.outcome == .refused)
            #expect(report.problems.count >= 2)
            #expect(report.problems.contains { $0.contains("none.yaml") })
            #expect(report.problems.contains { $0.contains("bad.yaml") })
        }
    }
}
