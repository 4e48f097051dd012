import ArgumentParser
import ParticipantLoad

/// `make drill-limits`: each timer and limit fires once and only where it should.
struct LimitsDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Every timer and limit: fired once, where it should, with its reason in row, metric and log.",
        discussion: """
            --small leaves out what takes a minute by the configuration's own ranges: no-show and the hard limit's end.
            SABOTAGE=1 lets the participant talk where silence is expected.
            """)

    @OptionGroup var options: DrillOptions

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "limits", sabotage: Sabotage.isOn ? "the idle participant talks without end" : nil)
        await Rig.hold("limits", Self.plan, options, &verdict) { rig, verdict in try await limits(rig, &verdict) }
        var wrongKey = Self.plan
        wrongKey.simulatorKey = "another key than the daemon's"
        await Rig.hold("auth", wrongKey, options, &verdict) { rig, verdict in
            let room = LimitRoom(rig: rig)
            Self.take([try await room.wrongKey()], into: &verdict)
        }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    /// The greeting is so long and dear that a budget can lie just above it.
    private static var plan: RigPlan {
        RigPlan(
            conversation: RigPlan.Conversation(
                greeting: """
                    Hello, and welcome to this interview. It is very kind of you to take the time. We are going to \
                    talk about an ordinary day, from morning to evening. How are you today?
                    """,
                answers: (1...50).map { "Very good. This is what I wanted to say as number \($0)." },
                participant: (1...50).map { "This is what I say in turn \($0)." }, ends: false))
    }

    private func limits(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let room = LimitRoom(rig: rig)
        try await room.prepare()
        var cases: [@Sendable () async throws -> Findings] = [
            { try await room.idle(talking: Sabotage.isOn) }, { try await room.hardLimit(toTheEnd: !options.small) },
            { try await room.rejoinWindow() }, { try await room.leftThenBudget() }, { try await room.adminClosed() },
            { try await room.slowReader() }, { try await room.halfOpenLine() },
        ]
        if !options.small { cases.append { try await room.noShow() } }
        let findings = await withTaskGroup(of: Findings.self) { group in
            for held in cases {
                group.addTask {
                    do { return try await held() } catch {
                        var failed = Findings("a case")
                        failed.expect(false, "can be held to its end", "\(error)")
                        return failed
                    }
                }
            }
            return await group.reduce(into: [Findings]()) { $0.append($1) }
        }
        Self.take(findings.sorted { $0.name < $1.name }, into: &verdict)
        Self.take([try await room.counts(whole: !options.small)], into: &verdict)
        verdict.figure("cases", findings.count + 1)
    }

    private static func take(_ findings: [Findings], into verdict: inout Verdict) {
        for finding in findings.flatMap(\.all) { verdict.expect(finding.holds, finding.what, finding.detail) }
    }
}
