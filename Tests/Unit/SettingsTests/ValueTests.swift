import InterviewCore
import Settings
import Testing
import WireFormats

@Suite("DurationText")
struct DurationTextTests {
    @Test(
        "a time is a whole number and its unit",
        arguments: [
            ("200ms", Duration.milliseconds(200)), ("0s", .zero), ("120s", .seconds(120)), ("45m", .seconds(2_700)),
            ("24h", .seconds(86_400)), ("999999999h", .seconds(3_599_999_996_400)),
        ])
    func reads(text: String, duration: Duration) { #expect(DurationText.read(text) == duration) }

    @Test(
        "anything else is none", arguments: ["", "s", "12", "1.5s", "-1s", "1 s", "1h30m", "1d", "９s", "1000000000s"])
    func refuses(text: String) { #expect(DurationText.read(text) == nil) }

    @Test(
        "what is printed reads as itself", arguments: ["200ms", "0s", "120s", "300s", "45m", "24h", "1500ms", "720h"])
    func prints(text: String) throws {
        #expect(DurationText.print(try #require(DurationText.read(text))) == text)
    }
}

@Suite("LoopCount")
struct LoopCountTests {
    @Test(
        "the smallest quota counts, rounded up, and at least one loop runs",
        arguments: [
            (8, [String](), 8), (8, ["max 100000\n"], 8), (8, ["200000 100000\n"], 2),
            (8, ["150000 100000", "max 100000"], 2),
            (8, ["400000 100000", "100000 100000"], 1), (8, ["1000 100000"], 1), (2, ["900000 100000"], 2),
            (8, ["nonsense"], 8),
            (8, ["100000 0"], 8), (8, ["-1 100000"], 8), (0, [], 1),
        ])
    func counts(cores: Int, quotas: [String], expected: Int) {
        #expect(LoopCount.of(cores: cores, quotas: quotas) == expected)
    }

    @Test("this machine has at least one")
    func automatic() { #expect(LoopCount.automatic() >= 1) }
}

@Suite("Documents")
struct DocumentsTests {
    private func problems(_ yaml: String, name: String = "tea.yaml") throws -> [String] {
        let path = try ConfigurationTests.file(yaml, name: name)
        let folder = String(path.dropLast(name.count + 1))
        do {
            _ = try Documents.studies(in: folder)
            return []
        } catch {
            return error.problems.map { $0.description.replacing(folder, with: "DIR") }
        }
    }

    @Test("a study needs a language and instructions, the rest has defaults")
    func smallest() throws {
        let path = try ConfigurationTests.file("language: no\ninstructions: ask\n", name: "tea.yaml")
        let study = try #require(try Documents.studies(in: String(path.dropLast(9))).first)
        #expect(study.id == StudyID("tea"))
        #expect(study.name == "tea")
        // Norwegian, not the truth value that YAML 1.1 makes of it.
        #expect(study.language == "no")
        #expect(study.greeting == "")
        #expect(study.limits == SessionLimits())
        #expect(study.budgetMicros == nil)
    }

    @Test("a study's budget is read as it is written, and never less than nothing")
    func budget() throws {
        let document = "language: en\ninstructions: ask\nbudget_micros: "
        let path = try ConfigurationTests.file(document + "20_000_000\n", name: "tea.yaml")
        #expect(try Documents.studies(in: String(path.dropLast(9))).first?.budgetMicros == 20_000_000)
        #expect(
            try problems(document + "-1\n") == [
                "budget_micros (DIR/tea.yaml): is out of range; write a whole number from 0 to 1000000000000"
            ])
    }

    @Test("what is wrong with a study is said all at once, with file and field")
    func allAtOnce() throws {
        let problems = try problems(
            "id: coffee\nlanguage: english!\ninstruction: ask\nlimits:\n  idle_seconds: 5\n  hard: 3\n")
        #expect(
            problems == [
                "instruction (DIR/tea.yaml): is unknown; did you mean instructions? The fields are id, name, language, instructions, greeting, voice, limits, budget_micros",
                "language (DIR/tea.yaml): is no language tag; write a BCP 47 tag, for example en or pt-BR",
                "limits.hard (DIR/tea.yaml): is unknown; The fields are idle_seconds, hard_limit_seconds, rejoin_seconds, budget_micros",
                "limits.idle_seconds (DIR/tea.yaml): is out of range; write a whole number from 10 to 3600",
                "id (DIR/tea.yaml): is not tea, which its place says; leave it out, or make them equal",
                "instructions (DIR/tea.yaml): is missing; write what the interviewer is to do",
            ])
    }

    @Test("a study that is no YAML map is refused", arguments: ["- a\n", "just text\n", "a: [\n", ""])
    func noMap(yaml: String) throws { #expect(try problems(yaml).count == 1) }

    @Test("a file whose name is no id is refused")
    func badName() throws {
        #expect(try problems("language: en\ninstructions: x\n", name: "my study.yaml").count == 1)
    }

    @Test("a folder that is not there is empty, unless somebody asked for it")
    func missingFolder() throws {
        #expect(try Documents.studies(in: "/nowhere") == [])
        #expect(throws: ConfigurationErrors.self) { try Documents.studies(in: "/nowhere", required: true) }
    }

    @Test("a model without a price is an error with a guess")
    func unpriced() throws {
        let path = try ConfigurationTests.file(
            "models:\n  gpt-a:\n    source: x\n    checked: 2026-11-25\n    per_minute: 1\n", name: "prices.yaml")
        let error = #expect(throws: ConfigurationErrors.self) {
            try Documents.prices(file: path, models: ["gpt-b", "gpt-a"])
        }
        #expect(
            error?.problems.map { $0.description.replacing(path, with: "FILE") }
                == [
                    "models.gpt-b (FILE): has no price (did you mean gpt-a?); add what its vendor charges, or configure another model"
                ])
        let book = try Documents.prices(file: path, models: ["gpt-a"])
        #expect(book.models == ["gpt-a"])
    }

    @Test(
        "a price that is none, or an unknown one, names its place",
        arguments: [
            "models:\n  gpt-a:\n    source: x\n    checked: y\n    per_minute: cheap\n",
            "models:\n  gpt-a:\n    source: x\n    checked: y\n    per_minutes: 1\n",
            "models:\n  gpt-a:\n    checked: y\n    per_minute: 1\n",
            "models:\n  gpt-a:\n    source: x\n    checked: y\n    per_minute: -1\n",
        ])
    func badPrices(yaml: String) throws {
        let path = try ConfigurationTests.file(yaml, name: "prices.yaml")
        let error = #expect(throws: ConfigurationErrors.self) { try Documents.prices(file: path, models: []) }
        #expect(error?.problems.count == 1)
        #expect(error?.problems.first?.description.contains("gpt-a") == true)
    }
}

@Suite("AdminSocketPath")
struct AdminSocketPathTests {
    @Test("what is configured leaves no other place")
    func configured() {
        #expect(AdminSocketPath.candidates(configured: "/a.sock", stateFolder: "/s") == ["/a.sock"])
        #expect(AdminSocketPath.choose(configured: "/a.sock", stateFolder: "/s") { _ in false } == "/a.sock")
    }

    @Test("else the run folder when it is usable, else the state folder")
    func search() {
        #expect(AdminSocketPath.choose(configured: nil, stateFolder: "/s") { _ in true } == "/run/voiced/admin.sock")
        #expect(AdminSocketPath.choose(configured: "", stateFolder: "/s") { _ in false } == "/s/admin.sock")
    }

    @Test(
        "the state folder",
        arguments: [
            (["VOICED_STATE_FOLDER": "/a", "STATE_DIRECTORY": "/b", "HOME": "/h"], "/a"),
            (["STATE_DIRECTORY": "/b:/c", "HOME": "/h"], "/b"), (["XDG_STATE_HOME": "/x", "HOME": "/h"], "/x/voiced"),
            (["HOME": "/h", "XDG_STATE_HOME": ""], "/h/.local/state/voiced"), ([:], "/var/lib/voiced"),
        ])
    func stateFolder(environment: [String: String], expected: String) {
        #expect(StateFolder.initial(environment: environment) == expected)
    }
}

@Suite("NearestName")
struct NearestNameTests {
    @Test("a slip finds its word, something else finds none")
    func guesses() {
        let known = ["limits.idle", "limits.hard", "log.level"]
        #expect(NearestName.of("limits.idel", among: known) == "limits.idle")
        #expect(NearestName.of("log.levle", among: known) == "log.level")
        #expect(NearestName.of("completely.different.thing", among: known) == nil)
        #expect(NearestName.of("", among: known) == nil)
        #expect(NearestName.of(String(repeating: "x", count: 100_000), among: known) == nil)
    }
}
