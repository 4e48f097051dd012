import Foundation
import Settings
import Testing

@Suite("Configuration")
struct ConfigurationTests {
    static let runEnvironment = [
        "HOME": "/home/somebody", "OPENAI_API_KEY": "sk-of-a-test",
        "VOICED_TOKEN_SECRET": "0123456789abcdef0123456789abcdef", "VOICED_MEDIA_PUBLIC_URL": "wss://media.example",
    ]

    /// A file in a folder of its own.
    static func file(_ text: String, name: String = "voiced.yaml") throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent(name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// The problems of a load that must fail, one line each.
    static func problems(
        _ text: String = "", flags: [String] = [], environment: [String: String] = runEnvironment,
        purpose: Configuration.Purpose = .run
    ) throws -> [String] {
        let path = try file(text)
        do {
            _ = try Configuration.load(file: path, environment: environment, overrides: flags, purpose: purpose)
            return []
        } catch {
            return error.problems.map { $0.description.replacing(path, with: "FILE") }
        }
    }

    @Test("a flag beats the environment, that beats the file, that beats the default")
    func precedence() throws {
        let path = try Self.file("limits:\n  idle: 30s\n  hard: 30m\n  rejoin: 60s\n")
        var environment = Self.runEnvironment
        environment["VOICED_LIMITS_IDLE"] = "40s"
        environment["VOICED_LIMITS_HARD"] = "40m"
        let configuration = try Configuration.load(
            file: path, environment: environment, overrides: ["limits.idle=45s", "limits.idle=50s"])
        #expect(configuration.limits.idle == .seconds(50))
        #expect(configuration.limits.hard == .seconds(2_400))
        #expect(configuration.limits.rejoin == .seconds(60))
        #expect(configuration.limits.noShow == .seconds(86_400))
    }

    @Test(
        "what is wrong with a value is said with its key, its place and what to write",
        arguments: [
            (
                "agent:\n  port: 70000",
                "agent.port (FILE:2): 70000 is out of range; write a whole number from 0 to 65535"
            ),
            (
                "agent:\n  port: eighty",
                "agent.port (FILE:2): \"eighty\" is not a whole number; write a whole number from 0 to 65535"
            ),
            ("agent:\n  port: [1, 2]", "agent.port (FILE:2): is a list; write a whole number from 0 to 65535"),
            (
                "limits:\n  idle: 120",
                "limits.idle (FILE:2): \"120\" has no unit; write a time from 10s to 1h, a number and its unit: 200ms, 120s, 45m or 24h"
            ),
            (
                "limits:\n  idle: soon",
                "limits.idle (FILE:2): \"soon\" is not a time; write a time from 10s to 1h, a number and its unit: 200ms, 120s, 45m or 24h"
            ),
            (
                "limits:\n  idle: 9s",
                "limits.idle (FILE:2): 9s is out of range; write a time from 10s to 1h, a number and its unit: 200ms, 120s, 45m or 24h"
            ),
            (
                "limits:\n  idle: 50m",
                "limits.idle (FILE:2): is not below limits.hard; write less, or raise limits.hard"
            ),
            (
                "drain:\n  strategy: fast",
                "drain.strategy (FILE:2): \"fast\" is none of its values; write one of finish, move"
            ),
            (
                "drain:\n  strategy: move",
                "drain.strategy (FILE:2): \"move\" does not work in this version; write finish: interviews end where they are"
            ),
            (
                "drain:\n  timeout: 2s",
                "drain.settle (default): is above drain.timeout; write less, or raise drain.timeout"
            ),
            (
                "media:\n  token_in_query: maybe",
                "media.token_in_query (FILE:2): \"maybe\" is neither; write true or false"
            ),
            (
                "media:\n  origins: ['*']",
                "media.origins (FILE:2): \"*\" would let any page of the web join; list the page's own origins"
            ),
            (
                "media:\n  origins: ['https://a.example/page']",
                "media.origins (FILE:2): \"https://a.example/page\" has a path; write a list of origins such as https://interviews.example"
            ),
            (
                "media:\n  origins: [{a: b}]",
                "media.origins (FILE:2): is a list of something other than plain values; write plain values"
            ),
            (
                "media:\n  instance_url: 'https://a.example'",
                "media.instance_url (FILE:2): \"https://a.example\" begins with https://; write ws:// or wss://host[:port], for example wss://voiced-0.interviews.example"
            ),
            (
                "media:\n  instance_url: 'wss://u:p@a.example'",
                "media.instance_url (FILE:2): holds a user or a password; write ws:// or wss://host[:port], for example wss://voiced-0.interviews.example"
            ),
            (
                "providers:\n  openai:\n    base_url: ''",
                "providers.openai.base_url (FILE:3): is empty; write ws:// or wss://host[:port]/path, for example wss://api.openai.com/v1"
            ),
            (
                "providers:\n  openai:\n    vad:\n      threshold: 2",
                "providers.openai.vad.threshold (FILE:4): 2 is out of range; write a number from 0.0 to 1.0"
            ),
            (
                "providers:\n  openai:\n    max_output_tokens: 0",
                "providers.openai.max_output_tokens (FILE:3): 0 is out of range; write a whole number from 1 to 4096"
            ),
            (
                "metrics:\n  port: 8081",
                "metrics.port (FILE:2): 8081 is agent.port too; give each listener a port of its own, or 0"
            ),
            (
                "agent:\n  host: 'a b'",
                "agent.host (FILE:2): \"a b\" is no host; write an address such as 127.0.0.1 or ::1, without a port"
            ),
            ("web:\n  public_url: 'https://x.example'\nmedia:\n  public_url: ws://y.example", ""),
            ("limit:\n  idle: 60s", "limit.idle (FILE:2): is no key; did you mean limits.idle?"),
            (
                "limits: 5",
                "limits (FILE:1): is no key; it is a group: limits.idle, limits.hard, limits.rejoin, limits.no_show, limits.session_budget_micros"
            ),
            ("colour: red", "colour (FILE:1): is no key; voiced.yaml lists all keys"),
            (
                "providers:\n  openai:\n    api_key: sk-abc",
                "providers.openai.api_key (FILE:3): secrets do not belong here; set OPENAI_API_KEY or OPENAI_API_KEY_FILE in the environment, and replace the secret if others saw it"
            ),
            (
                "token_secret: abc",
                "token_secret (FILE:1): secrets do not belong here; set VOICED_TOKEN_SECRET or VOICED_TOKEN_SECRET_FILE in the environment, and replace the secret if others saw it"
            ),
            ("- a\n- b", "FILE: is no YAML map; write keys and values, as in Manifests/voiced.yaml"),
            ("loops: 1\nloops: 2", "FILE (FILE:1): has a key twice: loops; mend the YAML"),
        ])
    func badValues(yaml: String, expected: String) throws {
        let problems = try Self.problems(yaml)
        if expected.isEmpty {
            // The environment's wss:// wins over the file's ws://, so nothing is wrong.
            #expect(problems == [])
        } else {
            #expect(problems == [expected])
        }
    }

    @Test("YAML that is none names its line and shows none of it")
    func brokenYAML() throws {
        let problems = try Self.problems("agent:\n  port: 1\n secret: \"hunter2\n")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("FILE:") == true)
        #expect(problems.first?.contains("hunter2") == false)
    }

    @Test("everything that is wrong is said at once")
    func allAtOnce() throws {
        let problems = try Self.problems(
            "agent:\n  port: x\nlimts:\n  idle: 10s\nlog:\n  level: loud\n",
            flags: ["loops=-1", "nonsense", "log.levle=info"],
            environment: ["VOICED_CAPACITY_PER_LOOP": "0"])
        #expect(problems.count == 10)
        for part in [
            "agent.port (FILE:2)", "limts.idle (FILE:4): is no key; did you mean limits.idle?", "log.level (FILE:6)",
            "loops (--set): -1 is out of range", "--set: one of them is no key=value",
            "log.levle (--set): is no key; did you mean log.level?",
            "capacity.per_loop (VOICED_CAPACITY_PER_LOOP): 0 is out of range", "media.public_url (default): is missing",
            "OPENAI_API_KEY: is missing", "VOICED_TOKEN_SECRET: is missing",
        ] {
            #expect(problems.contains { $0.hasPrefix(part) }, "\(part)")
        }
    }

    @Test("run needs a public address and its secrets; dev needs nothing and stays on this machine")
    func purposes() throws {
        let run = try Self.problems(environment: [:])
        #expect(run.contains { $0.hasPrefix("media.public_url (default): is missing; write where participants reach") })
        let dev = try Configuration.load(file: nil, environment: ["HOME": "/h"], purpose: .dev)
        #expect(dev.media.publicURL == "ws://127.0.0.1:8082")
        #expect(dev.web.publicURL == "http://127.0.0.1:3000")
        #expect(dev.web.metricsPort == 9091)
        #expect(dev.media.origins == ["http://127.0.0.1:3000", "http://localhost:3000"])
        #expect(dev.agent.host == "127.0.0.1")
        #expect(dev.stateFolder == "/h/.local/state/voiced")
        #expect(dev.sqliteFile == "/h/.local/state/voiced/voiced.db")
        let served = try Configuration.load(file: nil, environment: Self.runEnvironment)
        #expect(served.agent.host == "0.0.0.0")
        #expect(served.media.origins == [])
        let web = try Self.problems(environment: Self.runEnvironment, purpose: .web)
        #expect(
            web.map { $0.prefix { $0 != ";" } } == [
                "web.public_url (default): is missing", "VOICED_API_KEYS: is missing",
            ])
    }

    @Test("in dev a free port leaves the address open until it is bound")
    func freePort() throws {
        let dev = try Configuration.load(
            file: nil, environment: ["HOME": "/h"], overrides: ["media.port=0", "web.port=0"], purpose: .dev)
        #expect(dev.media.publicURL == nil)
        #expect(dev.web.publicURL == nil)
    }

    @Test("a page of https cannot open ws://")
    func mixedContent() throws {
        let problems = try Self.problems(flags: [
            "web.public_url=https://x.example", "media.public_url=ws://y.example",
        ])
        #expect(problems.count == 1)
        #expect(
            problems.first?.hasPrefix("media.public_url (--set): is ws:// although web.public_url is https://") == true)
    }

    @Test("relative paths: state below the state folder, documents beside the file, flags where they were typed")
    func paths() throws {
        let path = try Self.file(
            "state:\n  folder: /var/x\nstore:\n  sqlite:\n    file: a/b.db\nstudies:\n  folder: mine\n")
        let folder = (path as NSString).deletingLastPathComponent
        let configuration = try Configuration.load(
            file: path, environment: Self.runEnvironment, overrides: ["prices.file=here.yaml"], currentFolder: "/typed")
        #expect(configuration.sqliteFile == "/var/x/a/b.db")
        #expect(configuration.recordingsFolder == "/var/x/recordings")
        #expect(configuration.studiesFolder == "\(folder)/mine")
        #expect(configuration.pricesFile == "/typed/here.yaml")
    }

    @Test("a file that is not there is one problem, not a default")
    func missingFile() throws {
        let error = #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(file: "/nowhere/voiced.yaml", environment: Self.runEnvironment)
        }
        #expect(
            error?.problems.map(\.description)
                == ["/nowhere/voiced.yaml: cannot be read; name a file that exists and that this user may read"])
    }

    @Test("a Kubernetes service link in a port's variable is recognised")
    func serviceLink() throws {
        var environment = Self.runEnvironment
        environment["VOICED_AGENT_PORT"] = "tcp://10.0.0.7:8081"
        environment["VOICED_SERVICE_HOST"] = "10.0.0.7"
        let problems = try Self.problems(environment: environment)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("enableServiceLinks: false") == true)
    }

    @Test("a variable of ours that means nothing is a warning with a guess")
    func unknownVariable() throws {
        var environment = Self.runEnvironment
        environment["VOICED_LIMITS_IDEL"] = "5s"
        environment["VOICED_LIMITS_HARD"] = ""
        let configuration = try Configuration.load(file: nil, environment: environment)
        #expect(
            configuration.warnings == [
                "VOICED_LIMITS_IDEL in the environment is no key; did you mean VOICED_LIMITS_IDLE?"
            ])
        #expect(configuration.limits.hard == .seconds(2_700))
    }
}

@Suite("Secrets")
struct SecretsTests {
    @Test("a secret comes from a file without its line break")
    func fromFile() throws {
        var environment = ConfigurationTests.runEnvironment
        environment["OPENAI_API_KEY"] = nil
        environment["OPENAI_API_KEY_FILE"] = try ConfigurationTests.file("sk-of-a-file\n", name: "key")
        let configuration = try Configuration.load(file: nil, environment: environment)
        #expect(configuration.secrets.openAIKey?.reveal() == "sk-of-a-file")
    }

    @Test("no way of printing shows it")
    func redacted() throws {
        let configuration = try Configuration.load(file: nil, environment: ConfigurationTests.runEnvironment)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("sk-of-a-test"))
            #expect(!text.contains("0123456789abcdef0123456789abcdef"))
        }
    }

    @Test(
        "what is wrong with a secret is said without it",
        arguments: [
            (
                ["VOICED_TOKEN_SECRET": "short"],
                "VOICED_TOKEN_SECRET: a secret is shorter than 32 characters; make one with: openssl rand -hex 32"
            ),
            (
                ["OPENAI_API_KEY_FILE": "/nowhere/key"],
                "OPENAI_API_KEY: is given twice, as itself and as OPENAI_API_KEY_FILE; remove one of the two"
            ),
            (
                ["VOICED_API_KEYS_FILE": "/nowhere/key"],
                "VOICED_API_KEYS_FILE: /nowhere/key cannot be read; name a text file that this user may read"
            ),
            (["GOOGLE_API_KEY": "  "], "GOOGLE_API_KEY: is empty; write the secret into it, or unset the variable"),
        ])
    func problems(variables: [String: String], expected: String) throws {
        let environment = ConfigurationTests.runEnvironment.merging(variables) { $1 }
        #expect(try ConfigurationTests.problems(environment: environment) == [expected])
    }

    @Test("a secret on the command line is refused")
    func flag() throws {
        let problems = try ConfigurationTests.problems(flags: ["providers.openai.api_key=sk-1"])
        #expect(problems.count == 1)
        #expect(problems.first?.contains("secrets do not belong here") == true)
        #expect(problems.first?.contains("sk-1") == false)
    }
}
