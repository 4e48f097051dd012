import Foundation
import InterviewCore
import Settings
import Testing

@Suite("Manifests/voiced.yaml")
struct SampleTests {
    /// The repository, from this file.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let sample = repository.appendingPathComponent("Manifests/voiced.yaml")

    @Test("the sample is what the table of keys prints; UPDATE_SAMPLE=1 writes it")
    func isGenerated() throws {
        if ProcessInfo.processInfo.environment["UPDATE_SAMPLE"] == "1" {
            try ConfigurationReference.text.write(to: Self.sample, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.sample, encoding: .utf8)
        let differing = zip(written.split(separator: "\n"), ConfigurationReference.text.split(separator: "\n"))
            .first { $0 != $1 }
        #expect(differing == nil)
        #expect(written == ConfigurationReference.text)
    }

    @Test("the sample parses and equals the built-in defaults")
    func equalsDefaults() throws {
        let environment = ["HOME": "/home/somebody", "UNRELATED": "1"]
        let folder = Self.repository.path
        let read = try Configuration.load(
            file: Self.sample.path, environment: environment, purpose: .dev, currentFolder: folder)
        let built = try Configuration.load(
            file: nil, environment: environment, purpose: .dev, currentFolder: folder)
        #expect(read == built)
        #expect(read.studiesFolder == "\(folder)/Manifests/studies")
        #expect(read.pricesFile == "\(folder)/Manifests/prices.yaml")
        #expect(read.warnings == [])
    }

    @Test("no two keys have one name in the environment")
    func environmentNames() {
        let names = ConfigurationKeys.all.map(\.environmentName)
        #expect(Set(names).count == names.count)
        let secrets = ["VOICED_TOKEN_SECRET", "VOICED_API_KEYS"].flatMap { [$0, "\($0)_FILE"] }
        #expect(Set(names).isDisjoint(with: secrets))
        #expect(
            ConfigurationKeys.all.first { $0.name == "media.public_url" }?.environmentName == "VOICED_MEDIA_PUBLIC_URL")
    }

    @Test(
        "every key of the table is read and checked: nonsense in any of them is noticed",
        arguments: ConfigurationKeys.all)
    func everyKeyIsRead(entry: ConfigurationEntry) throws {
        for source in ["flag", "environment"] {
            let error = #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(
                    file: nil, environment: source == "environment" ? [entry.environmentName: "\u{1}"] : [:],
                    overrides: source == "flag" ? ["\(entry.name)=\u{1}"] : [], purpose: .dev)
            }
            #expect(error?.problems.map(\.key) == [entry.name])
        }
    }

    @Test(
        "every key of the table can be set from the environment and reaches the configuration",
        arguments: [
            ("VOICED_AGENT_PORT", "1"), ("VOICED_LIMITS_SESSION_BUDGET_MICROS", "20000"), ("VOICED_DRAIN_SETTLE", "1s"),
            ("VOICED_PROVIDERS_OPENAI_VAD_SILENCE_DURATION_MS", "222"), ("VOICED_AUDIO_ENCODER_APPLICATION", "voip"),
            ("VOICED_MEDIA_ORIGINS", "https://a.example,https://b.example"), ("VOICED_MEDIA_TOKEN_IN_QUERY", "true"),
            ("VOICED_STORE_SQLITE_FILE", "/x.db"), ("VOICED_CAPACITY_PER_LOOP", "7"), ("VOICED_LOG_LEVEL", "debug"),
            ("VOICED_CAPACITY_KEPT_PERCENT", "0"), ("VOICED_CAPACITY_LOOP_LAG", "50ms"),
            ("VOICED_CAPACITY_MEMORY_PERCENT", "90"),
            ("VOICED_ADMIN_SOCKET", "/x.sock"), ("VOICED_PROVIDERS_OPENAI_CONNECT_TIMEOUT", "200ms"),
        ])
    func environment(name: String, value: String) throws {
        let plain = try Configuration.load(file: nil, environment: ["HOME": "/h"], purpose: .dev)
        let set = try Configuration.load(file: nil, environment: ["HOME": "/h", name: value], purpose: .dev)
        #expect(plain != set)
        #expect(set.warnings == [])
    }

    @Test("the demo study and the price list in the repository can be read")
    func documents() throws {
        let folder = Self.repository.appendingPathComponent("Manifests")
        let studies = try Documents.studies(in: folder.appendingPathComponent("studies").path, required: true)
        let demo = try #require(studies.first { $0.id.text == "demo" })
        #expect(demo.language == "en")
        #expect(demo.limits.budgetMicros == 3_000_000)
        #expect(demo.instructions.contains("end_interview"))
        let configuration = try Configuration.load(file: Self.sample.path, environment: [:], purpose: .dev)
        let models = [configuration.openAI.model, configuration.openAI.transcriptionModel].compactMap(\.self)
        let book = try Documents.prices(file: configuration.pricesFile, models: models)
        #expect(book.models.count > 2)
    }
}
