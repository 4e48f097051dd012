import Foundation
import InterviewCore
import Settings

/// What an operator writes: the YAML file, `--set` and the environment, or one of the YAML documents. The first byte says
/// which; U+0000 separates file, overrides and environment.
///
/// Invariants: the same text gives the same configuration; what is accepted keeps to its limits; what is refused is
/// refused with reasons, and none of them shows a secret.
final class ConfigurationTarget: FuzzTarget {
    let name = "configuration"
    let share = 16
    let longestInput = 20_000
    let seeds: [[UInt8]]
    let words: [[UInt8]]

    private let folder: String
    private let studies: String
    private var path: String { "\(folder)/fuzz.yaml" }
    private static let tokenSecret = "5ecre7-0123456789abcdef0123456789abcdef"
    private static let apiKey = "sk-5ecre7-key"

    init(root: String, scratch: String) {
        folder = "\(scratch)/configuration-\(ProcessInfo.processInfo.processIdentifier)"
        studies = "\(folder)/studies"
        var seeds: [[UInt8]] = [
            "\0media:\n  public_url: wss://media.example\nlimits:\n  idle: 90s\n\0log.level=debug\nloops=2\0VOICED_LOOPS=3\n",
            "\0media.public_url: wss://a\n\0limits.hard=45m\nlimits.idle=46m\0", "\0a: &a [*a]\n", "\0- 1\n- 2\n",
            "\0loops: [1, 2]\nloops: 3\n", "\u{2}language: en\ninstructions: |\n  Ask.\n",
            "\u{1}models:\n  m:\n    source: s\n    checked: c\n    per_minute: 6_000\n",
            "\0a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n",
        ].map { Array($0.utf8) }
        seeds += Corpus.files(in: "\(root)/Manifests", prefix: "voiced.yaml").map { [0] + $0 }
        seeds += Corpus.files(in: "\(root)/Manifests", prefix: "prices.yaml").map { [1] + $0 }
        seeds += Corpus.files(in: "\(root)/Manifests/studies").map { [2] + $0 }
        self.seeds = seeds
        let keys = ConfigurationKeys.all.map { Array($0.name.utf8) }
        words =
            keys
            + Dictionary.words(
                ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!", "!!int ", "|\n", ">\n", "---\n",
                "...\n",
                "# ", "\"", "'", "~", "null", "<<: *a\n", "? ", "\t", "%YAML 1.2\n", "200ms", "120s", "0s",
                "9999999999h",
                "wss://a", "https://a:0", "http://u:p@a", "*", "yes", "0x10", "1e3", ".inf", "2026-11-22", "\0", "=")
    }

    func generate(_ random: inout Random) -> [UInt8] {
        let values = [
            "0", "1", "2_000", "90s", "45m", "true", "wss://a.example", "https://a.example", "info", "[a, b]", "~",
            "\"\"",
        ]
        switch random.below(6) {
        case 0: return [1] + yaml(DocumentShapes.prices, &random)
        case 1: return [2] + yaml(DocumentShapes.study, &random)
        default:
            var text = "\0media.public_url: wss://a.example\n"
            for _ in 0..<random.below(8) {
                guard let key = random.pick(ConfigurationKeys.all) else { break }
                let value = random.chance(oneIn: 2) ? key.initial : random.pick(values, or: "")
                text += "\(key.name): \(value)\n"
            }
            text += "\0"
            for _ in 0..<random.below(3) {
                text += "\(random.pick(ConfigurationKeys.all)?.name ?? "x")=\(random.pick(values, or: ""))\n"
            }
            return Array(text.utf8)
        }
    }

    /// JSON is YAML, nearly.
    private func yaml(_ shape: Shape, _ random: inout Random) -> [UInt8] { JSONGrammar.text(of: shape, &random) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        guard let kind = input.first else { return .refused }
        let parts = input.dropFirst().split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard let file = parts.first, write(file) else { return .refused }
        switch kind % 4 {
        case 1: return try prices()
        case 2: return try studyFile()
        default: return try configuration(parts, kind: kind)
        }
    }

    private func write(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        do {
            try FileManager.default.createDirectory(atPath: studies, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return true
        } catch { return false }
    }

    // MARK: The configuration

    private func configuration(_ parts: [Slice<UnsafeRawBufferPointer>], kind: UInt8) throws(Broken) -> Answer {
        let overrides = parts.count > 1 ? Self.lines(parts[1]) : []
        var environment: [String: String] = [:]
        for line in parts.count > 2 ? Self.lines(parts[2]) : [] {
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // What names a file is read, whatever that is: a pipe would be waited for.
            if pair.count == 2, !pair[0].hasSuffix("_FILE") { environment[String(pair[0])] = String(pair[1]) }
        }
        environment["VOICED_TOKEN_SECRET"] = Self.tokenSecret
        environment["OPENAI_API_KEY"] = Self.apiKey
        let purpose: Configuration.Purpose = kind & 4 == 0 ? .run : kind & 8 == 0 ? .dev : .web
        let first = load(environment, overrides, purpose)
        if kind & 0x70 == 0 {
            try expect(load(environment, overrides, purpose) == first, "the same text gives the same configuration")
        }
        switch first {
        case .failure(let errors):
            try check(errors)
            return .refused
        case .success(let configuration):
            try check(configuration, purpose)
            return .accepted
        }
    }

    private func load(
        _ environment: [String: String], _ overrides: [String], _ purpose: Configuration.Purpose
    ) -> Result<Configuration, ConfigurationErrors> {
        do throws(ConfigurationErrors) {
            return .success(
                try Configuration.load(
                    file: path, environment: environment, overrides: overrides, purpose: purpose, currentFolder: folder)
            )
        } catch { return .failure(error) }
    }

    private static func lines(_ bytes: Slice<UnsafeRawBufferPointer>) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    private func check(_ errors: ConfigurationErrors) throws(Broken) {
        try expect(!errors.problems.isEmpty, "who refuses says why")
        for secret in [Self.tokenSecret, Self.apiKey] {
            try expect(!errors.description.contains(secret), "no reason shows a secret")
        }
    }

    private func check(_ configuration: Configuration, _ purpose: Configuration.Purpose) throws(Broken) {
        let ports = [
            configuration.agent.port, configuration.media.port, configuration.metrics.port, configuration.web.port,
            configuration.web.metricsPort,
        ]
        try expect(ports.allSatisfy { (0...65_535).contains($0) }, "a port is one")
        try expect(configuration.limits.idle < configuration.limits.hard, "idle time is below the hard limit")
        try expect(configuration.limits.idle >= .seconds(10), "idle time keeps to its limit")
        try expect((1...10_000).contains(configuration.capacity.perLoop), "capacity keeps to its limit")
        try expect((0...256).contains(configuration.loops), "so do loops")
        try expect(
            configuration.stateFolder.hasPrefix("/") && configuration.sqliteFile.hasPrefix("/"), "paths are absolute")
        try expect(purpose == .dev || configuration.media.publicURL != nil, "a daemon knows its address")
        for secret in [Self.tokenSecret, Self.apiKey] {
            try expect(!"\(configuration)".contains(secret), "a configuration does not show its secrets")
        }
    }

    // MARK: Documents

    private func prices() throws(Broken) -> Answer {
        do throws(ConfigurationErrors) { _ = try Documents.prices(file: path, models: []) } catch {
            try expect(!error.problems.isEmpty, "who refuses says why")
            return .refused
        }
        return .accepted
    }

    private func studyFile() throws(Broken) -> Answer {
        let place = "\(studies)/demo.yaml"
        unlink(place)
        guard link(path, place) == 0 else { return .refused }
        do throws(ConfigurationErrors) { _ = try Documents.studies(in: studies, required: true) } catch {
            try expect(!error.problems.isEmpty, "who refuses says why")
            return .refused
        }
        return .accepted
    }
}
