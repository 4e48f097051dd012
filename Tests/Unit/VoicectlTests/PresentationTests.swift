import Foundation
import InterviewCore
import Testing
import WireFormats
import voicectl

@Suite("voicectl's words")
struct PresentationTests {
    static func summary(_ id: String = "8m2q4w7k1x3v5b9n0c6d", state: String = "wrapping_up") throws -> SessionSummary {
        SessionSummary(
            id: try #require(SessionID(id)), study: try #require(StudyID("a-study-with-a-rather-long-name")),
            state: state,
            loop: 3, provider: "openai", language: "en", connected: false, activeSeconds: 3_725, turns: 412,
            costMicros: 14_999_950)
    }

    @Test("a list of sessions fits 80 columns, whatever the names")
    func sessionsFit() throws {
        let text = Sessions.text([try Self.summary(), try Self.summary(String(repeating: "x", count: 64))])
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.count <= Table.width })
        #expect(lines[0] == "ID                    STATE        LINE     TIME  TURNS      COST  STUDY")
        #expect(lines[1] == "8m2q4w7k1x3v5b9n0c6d  wrapping_up  down  1:02:05    412  $15.0000  a-study-with…")
        #expect(lines[2].hasPrefix("xxxxxxxxxxxxxxxxxxx…  "))
    }

    @Test("no session is a sentence, not an empty table")
    func noSessions() { #expect(Sessions.text([]) == "No conversation is running here.") }

    @Test("stuck sessions fit 80 columns; none is a sentence")
    func stuck() throws {
        let id = try #require(SessionID(String(repeating: "x", count: 64)))
        let study = try #require(StudyID("demo"))
        let text = Sessions.text(
            StuckReport(
                sessions: StuckSession.Cause.allCases.map {
                    StuckSession(
                        id: id, study: study, state: .interrupted, cause: $0, owner: UUID().uuidString, epoch: 3,
                        seconds: $0 == .ownerLost ? nil : 93_784)
                }, looked: 9, isPartial: true))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2 + StuckSession.Cause.allCases.count)
        #expect(lines.allSatisfy { $0.count <= Table.width })
        for cause in StuckSession.Cause.allCases { #expect(text.contains("interrupted  \(cause.rawValue) ")) }
        #expect(lines.last == "Only the newest 9 sessions were looked at.")
        #expect(Sessions.text(StuckReport(sessions: [], looked: 0, isPartial: false)) == "Nothing is stuck.")
    }

    @Test("the fleet fits 80 columns, with a star at the process that was asked")
    func fleet() {
        func instance(_ name: String, this: Bool = false, draining: Bool = false, lease: Int64 = 7_950) -> FleetInstance
        {
            FleetInstance(
                instance: name, isThis: this, build: "0.1.0-dirty-and-long", mediaAddress: "[fd00:1234:5678::17]:8082",
                mediaURL: nil, active: 1_234, capacity: 9_999, draining: draining, startedAt: 1, upSeconds: 93_784,
                leaseLeftMilliseconds: lease)
        }
        let text = Fleet.text(
            FleetReport(instances: [
                instance("a1", this: true), instance("b2", draining: true),
                instance(UUID().uuidString, draining: true, lease: -5),
            ]))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.count <= Table.width })
        #expect(lines[1].hasPrefix("*  a1 "))
        #expect(lines[1].contains(" 7.9 s "))
        #expect(lines[2].contains(" drains "))
        #expect(lines[3].contains(" past "))
    }

    @Test("a close says who did it")
    func close() throws {
        let id = try #require(SessionID("s-1"))
        #expect(Close.text(CloseAnswer(session: id, outcome: .closed)) == "s-1 is closed.")
        #expect(Close.text(CloseAnswer(session: id, outcome: .requested)).contains("told to close"))
    }

    @Test("the status says why nothing new is accepted")
    func status() {
        let health = HealthReport(
            status: "draining", activeSessions: 2, acceptingNew: false, draining: true, capacity: 200,
            reasons: ["draining", "full"])
        let text = Status.text(
            StatusReport(
                instance: "i-1", build: "0.1", uptimeSeconds: 93_784, loops: 2, health: health,
                sessionsByState: ["live": 1, "suspended": 1, "closing": 0]))
        #expect(text.contains("accepting new  no (draining, full)"))
        #expect(text.contains("sessions       2 of 200: 1 live, 1 suspended"))
        #expect(text.contains("up             1 d 2 h"))
    }

    @Test("one session in full fits 80 columns")
    func show() throws {
        let detail = SessionDetail(
            summary: try Self.summary(), epoch: 2, client: nil, endsInMilliseconds: 61_000,
            counters: ["frames_in": 100, "frames_out": 50],
            turnLatenciesMilliseconds: Array(repeating: 1_234, count: 5),
            timeline: [
                TimelineEntry(atMilliseconds: 12_340, what: "participant joined"),
                TimelineEntry(atMilliseconds: 3_600_000, what: String(repeating: "w", count: 200)),
            ])
        let text = Show.text(detail)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= Table.width })
        #expect(text.contains("answers   1234 1234 1234 1234 1234 ms"))
        #expect(text.contains("    12.3 s  participant joined"))
        #expect(text.contains("frames_out  50"))
    }

    @Test("twenty latencies are wrapped, not cut")
    func latencies() throws {
        let detail = SessionDetail(
            summary: try Self.summary(), epoch: 2, client: "c", endsInMilliseconds: -5, counters: [:],
            turnLatenciesMilliseconds: (1_000..<1_020).map { $0 }, timeline: [])
        let text = Show.text(detail)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= Table.width })
        #expect(text.contains("1019 ms"))
        #expect(text.contains("ends in   0:00"))
    }

    @Test(
        "money is shown to a hundredth of a cent",
        arguments: [
            (Int64(0), "$0.0000"), (49, "$0.0000"), (50, "$0.0001"), (15_000_000, "$15.0000"), (-1_234_567, "-$1.2346"),
            (Int64.min, "-$9223372036854.7758"),
        ])
    func dollars(micros: Int64, expected: String) { #expect(Words.dollars(micros: micros) == expected) }

    @Test("a drain is told in a sentence")
    func drain() {
        #expect(
            Drain.text(DrainReport(draining: true, sessionsRemaining: 1, deadlineInMilliseconds: 300_000))
                == "Draining: 1 interview left, at most 5:00 more.")
    }
}

@Suite("voicectl's socket")
struct ConnectionTests {
    @Test("where nothing is, all places are named and the exit status is 3")
    func nothing() throws {
        var connection = Connection()
        connection.socket = nil
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("no-\(UUID().uuidString)").path
        let failure = #expect(throws: Failure.self) {
            try connection.place(["VOICED_STATE_FOLDER": folder])
        }
        guard case .noSocket(let places)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(places.last == "\(folder)/admin.sock")
        #expect(failure?.exitCode == 3)
        #expect(failure?.description.contains("Is voiced running") == true)
    }

    @Test("--socket beats $VOICED_ADMIN_SOCKET")
    func precedence() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data().write(to: file)
        var connection = Connection()
        connection.socket = file.path
        #expect(try connection.place(["VOICED_ADMIN_SOCKET": "/elsewhere"]) == file.path)
        connection.socket = nil
        #expect(try connection.place(["VOICED_ADMIN_SOCKET": file.path]) == file.path)
    }
}
