import Foundation
import InterviewCore
import Testing
import WireFormats
import voicectl

@Suite("voicectl's money, reloads and watching")
struct CostTests {
    static func cost(_ id: String, study: String = "a-study-with-a-rather-long-name") throws -> SessionCost {
        SessionCost(
            id: try #require(SessionID(id)), study: try #require(StudyID(study)), spentMicros: 13_499_999,
            limitMicros: 15_000_000, estimatedMicros: 120_000,
            models: [
                ModelCost(
                    model: "gpt-realtime-2.1-with-a-rather-long-name", records: 123, micros: 13_000_000,
                    estimatedMicros: 120_000, inputTokens: 1_000_000, cachedTokens: 720_000,
                    parts: [
                        CostPart(kind: "text_in", count: 280_000, micros: 1_120_000),
                        CostPart(kind: "cached_audio_in", count: 720_000, micros: 288_000),
                    ]),
                ModelCost(
                    model: "gpt-transcribe", records: 1, micros: 499_999, estimatedMicros: 0, inputTokens: 0,
                    cachedTokens: 0, parts: [CostPart(kind: "ms", count: 3_600_000, micros: 360_000)]),
            ])
    }

    @Test("costs fit 80 columns, and each study has its sum")
    func list() throws {
        let long = String(repeating: "x", count: 64)
        let text = Cost.text([try Self.cost(long), try Self.cost("b"), try Self.cost("c", study: "other")])
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= Table.width })
        #expect(lines[0] == "ID                        SPENT      LIMIT  ESTIMATED  CACHED  STUDY")
        #expect(lines[1].hasPrefix("xxxxxxxxxxxxxxxxxxx…   $13.5000   $15.0000    $0.1200    72 %  a-study-with-a-r…"))
        #expect(
            lines.contains { $0.hasPrefix("2 sessions             $27.0000   $30.0000    $0.2400    72 %  a-study") })
        #expect(lines.contains { $0.hasPrefix("1 session ") && $0.hasSuffix("other") })
        #expect(Cost.text([]) == "No conversation is running here.")
    }

    @Test("one session's money is told by model and kind of token")
    func one() throws {
        let text = Cost.text(try Self.cost("s"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= Table.width })
        #expect(text.contains("spent      $13.5000 of $15.0000"))
        #expect(text.contains("cached     72 %"))
        #expect(text.contains("cached_audio_in"))
        #expect(text.contains("gpt-transcribe              1 record"))
    }

    @Test("a reload tells what is in force and what waits, or every mistake")
    func reload() {
        #expect(Reload.text(ReloadReport(outcome: .unchanged)) == "Nothing is different.")
        #expect(
            Reload.text(ReloadReport(outcome: .applied, applied: ["limits.idle"], needsRestart: ["loops"]))
                == "in force       limits.idle\nneeds restart  loops")
        let refused = Reload.text(ReloadReport(outcome: .refused, problems: ["a: b; c", "d: e; f"]))
        #expect(refused == "Refused, the old configuration stays in force. 2 problems:\n  a: b; c\n  d: e; f")
    }

    @Test("on a terminal a picture is drawn over the last one, in a pipe one follows the other")
    func watch() {
        #expect(Watch.screen("a\nb", isFirst: true) == "\u{1B}[2J\u{1B}[Ha\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(Watch.screen("a", isFirst: false) == "\u{1B}[Ha\u{1B}[K\n\u{1B}[J")
        #expect(Watch.block("a", isFirst: true) == "a\n")
        #expect(Watch.block("a", isFirst: false) == "\na\n")
        #expect(Watch.block("{}", isFirst: false) == "{}\n")
    }

    @Test("the whole timeline is shown when it is asked for, its end otherwise")
    func timeline() throws {
        let detail = SessionDetail(
            summary: try PresentationTests.summary(), epoch: 2, client: nil, endsInMilliseconds: 61_000, counters: [:],
            turnLatenciesMilliseconds: [],
            timeline: (1...100).map { TimelineEntry(atMilliseconds: $0 * 1_000, what: "event \($0)") })
        #expect(Show.timelineText(detail).split(separator: "\n").count == 101)
        let text = Show.text(detail)
        #expect(text.contains("event 100"))
        #expect(text.contains("event 91\n"))
        #expect(!text.contains("event 90\n"))
    }
}
