import ParticipantLoad
import Testing

@Suite("LoadTally")
struct LoadTallyTests {
    private func report(_ outcome: ParticipantOutcome, connections: Int = 1) -> ParticipantReport {
        var report = ParticipantReport(session: "s")
        report.outcome = outcome
        report.connections = connections
        report.joinTook = .milliseconds(12)
        report.firstVoice = .milliseconds(700)
        return report
    }

    @Test("whose fault an end is decides whether it failed")
    func judged() {
        var tally = LoadTally()
        for outcome: ParticipantOutcome in [.ended(reason: "completed"), .ended(reason: "participant_left"), .stopped] {
            tally.add(report(outcome))
        }
        for outcome: ParticipantOutcome in [
            .ended(reason: "error"), .ended(reason: "provider_failed"), .gaveUp(last: "x"), .rejected(code: 4000),
            .leaveUnanswered, .joinedElsewhere, .refused(status: 503, code: "full"),
        ] {
            tally.add(report(outcome))
        }
        let summary = tally.summary(after: .seconds(1), thresholds: LoadThresholds())
        #expect(summary.joined == 10)
        #expect(summary.failed == 7)
        #expect(!summary.ok)
        #expect(summary.firstVoice.p95 == 700)
    }

    @Test("thresholds complain only when they are exceeded")
    func thresholds() {
        var tally = LoadTally()
        tally.add(report(.stopped, connections: 3))
        func complaints(_ thresholds: LoadThresholds) -> Int {
            tally.summary(after: .seconds(1), thresholds: thresholds).complaints.count
        }
        #expect(complaints(LoadThresholds(firstVoiceP95Milliseconds: 700, joinP99Milliseconds: 12)) == 0)
        #expect(complaints(LoadThresholds(firstVoiceP95Milliseconds: 699, joinP99Milliseconds: 11)) == 2)
        #expect(tally.summary(after: .seconds(1), thresholds: LoadThresholds()).rejoins == 2)
        #expect(!LoadTally().summary(after: .seconds(1), thresholds: LoadThresholds()).ok, "nobody joined")
    }

    @Test("ways back, errors, dry loudspeakers and missing answers are judged where a limit is set")
    func moreThresholds() {
        var tally = LoadTally()
        var report = report(.stopped, connections: 2)
        report.rejoinsTook = [.milliseconds(40)]
        report.errors = ["503 full": 2, "dead_line": 1]
        report.underruns = 2
        report.unanswered = 1
        tally.add(report)
        func complaints(_ thresholds: LoadThresholds) -> Int {
            tally.summary(after: .seconds(1), thresholds: thresholds).complaints.count
        }
        #expect(complaints(LoadThresholds()) == 0)
        #expect(complaints(LoadThresholds(rejoinP99Milliseconds: 40, errors: 3, underruns: 2, unanswered: 1)) == 0)
        #expect(complaints(LoadThresholds(rejoinP99Milliseconds: 39, errors: 2, underruns: 1, unanswered: 0)) == 4)
    }

    @Test("percentiles come from whole milliseconds, rounded up, and the largest is exact beyond a second")
    func histogram() {
        var histogram = MillisecondHistogram()
        for _ in 0..<98 { histogram.add(.microseconds(-5)) }
        histogram.add(.microseconds(3_100))
        histogram.add(.seconds(2))
        #expect(histogram.percentile(0.5) == 0)
        #expect(histogram.percentile(0.99) == 4)
        #expect(histogram.percentile(1) == 2_000)
        #expect(histogram.above(3) == 2)
        #expect(histogram.above(4) == 1)
    }
}
