import InterviewCore
import Ports

extension StoreContract {
    private static let idle = InstanceReport(active: 0, capacity: 1, draining: false, settled: 0)

    static let sweepCases: [Case] = [
        Case("nobody reaps whose own lease is past, nor one that nobody knows") { scene in
            let late = try await scene.schedule("late", expiresIn: .zero)
            try require(try await scene.store.reap(StoreScene.sweep()), is: [])
            try await scene.live("reaper")
            try await scene.die("reaper")
            try require(try await scene.store.reap(StoreScene.sweep()), is: [])
            try require(try await scene.row(late.id), is: late)
            try require(try await scene.reap().map(\.record.id), is: [late.id])
        },
        Case("nobody reaps before its renewals have been steady for long enough") { scene in
            let patient = try await scene.openAgain(with { $0.steady = .seconds(3_600) })
            _ = try await scene.schedule("late", expiresIn: .zero)
            try await scene.live("reaper")
            try require(try await patient.reap(StoreScene.sweep()), is: [])
            _ = try await patient.renew(InstanceID("reaper"), idle)
            try require(try await patient.reap(StoreScene.sweep()), is: [])
            try require(try await scene.store.reap(StoreScene.sweep()).count, is: 1)
            await patient.close()
        },
        Case("nobody reaps whose last renewal is too long ago, although its lease still runs") { scene in
            // A pause of nothing is too long already: whatever the clock says, this renewal is late.
            let strict = try await scene.openAgain(with { ($0.renewal, $0.lateness) = (.zero, .milliseconds(-1)) })
            _ = try await scene.schedule("late", expiresIn: .zero)
            try await scene.live("reaper")
            try require(try await strict.reap(StoreScene.sweep()), is: [])
            try require(try await scene.store.reap(StoreScene.sweep()).count, is: 1)
            await strict.close()
        },
        Case("a renewal in time keeps the steadiness, a late one begins it anew") { scene in
            let strict = try await scene.openAgain(with { ($0.renewal, $0.lateness) = (.zero, .milliseconds(-1)) })
            let steady = try await scene.openAgain(with { $0.steady = .seconds(1) })
            try await scene.live("reaper")
            try await Task.sleep(for: .milliseconds(1_100))
            for number in 0..<3 {
                _ = try await steady.renew(InstanceID("reaper"), idle)
                _ = try await scene.schedule("kept-\(number)", expiresIn: .zero)
                try require(try await steady.reap(StoreScene.sweep()).count, is: 1)
            }
            let began = ContinuousClock.now
            _ = try await strict.renew(InstanceID("reaper"), idle)
            _ = try await scene.schedule("late", expiresIn: .zero)
            let reaped = try await steady.reap(StoreScene.sweep())
            // On a machine that stood still in between there is nothing to see.
            if began.duration(to: .now) < .milliseconds(900) { try require(reaped, is: []) }
            await steady.close()
            await strict.close()
        },
        Case("after an outage every lease is past, and the first one back buries nobody") { scene in
            let patient = try await scene.openAgain(with { $0.steady = .seconds(3_600) })
            var rows: [SessionRecord] = []
            for number in 0..<3 {
                rows.append(try await scene.row(scene.hold("s\(number)", owner: "o\(number)").id))
                try await scene.die("o\(number)")
            }
            try require(try await patient.renew(InstanceID("o0"), idle).hadLapsed, is: true)
            try require(try await patient.reap(StoreScene.sweep(by: "o0")), is: [])
            for row in rows { try require(try await scene.row(row.id), is: row) }
            await patient.close()
        },
        Case("a window is over for a living owner only when it has looked at its rows") { scene in
            let held = try await scene.hold("s", owner: "me")
            try await scene.die("me")
            try require(try await scene.reap(StoreScene.sweep(rejoin: .zero)).map(\.cause), is: [.ownerLost])
            var answer = try await scene.store.renew(InstanceID("me"), idle)
            try require(answer, is: LeaseAnswer(changed: 1, hadLapsed: true))
            try require(try await scene.reap(), is: [])
            try require(try await scene.row(held.id).state, is: .interrupted)
            // It has looked and does not run it.
            let settled = InstanceReport(active: 0, capacity: 1, draining: false, settled: answer.changed)
            answer = try await scene.store.renew(InstanceID("me"), settled)
            try require(answer, is: LeaseAnswer(changed: 1, hadLapsed: false))
            try require(try await scene.reap().map(\.cause), is: [.interrupted])
            try require(try await scene.row(held.id).completionReason, is: .interrupted)
        },
        Case("at most so many are settled in a sweep, over all causes") { scene in
            for number in 0..<4 { _ = try await scene.schedule("n\(number)", expiresIn: .zero) }
            for number in 0..<4 { try await scene.release(scene.hold("i\(number)", owner: "me")) }
            for number in 0..<4 { _ = try await scene.hold("o\(number)", owner: "dead") }
            try await scene.die("dead")
            for limit in [0, -1] { try require(try await scene.reap(StoreScene.sweep(limit: limit)), is: []) }
            var counts: [Int] = []
            while counts.last != 0 { counts.append(try await scene.reap(StoreScene.sweep(limit: 5)).count) }
            try require(counts, is: [5, 5, 2, 0])
        },
        Case("eight reapers at once settle each row once, and no healthy one") { scene in
            let healthy = try await crowd(scene)
            var before: [SessionID: SessionRecord] = [:]
            for id in healthy { before[id] = try await scene.row(id) }
            let reaped = try await scene.withProcesses(4) { stores in
                for number in 0..<8 { try await scene.live("r\(number)") }
                return try await withThrowingTaskGroup(of: [Reaped].self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            var mine: [Reaped] = []
                            for _ in 0..<12 {
                                mine += try await stores[number % 4].reap(
                                    StoreScene.sweep(by: "r\(number)", limit: 7, rejoin: .seconds(600)))
                            }
                            return mine
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            try require(Set(reaped.map(\.record.id)).count, is: reaped.count)
            try require(
                Dictionary(grouping: reaped, by: \.cause).mapValues(\.count),
                is: [.noShow: 20, .interrupted: 20, .ownerLost: 20])
            for one in reaped { try require(try await scene.row(one.record.id), is: one.record) }
            for id in healthy { try require(try await scene.row(id), is: try require(before[id])) }
            let jobs = try await scene.outbox()
            try require(jobs.count, is: 40)
            try require(jobs.allSatisfy { $0.ordinal == 0 }, "one job for each end")
            try require(try await scene.changed("dead"), is: 20)
            try require(try await scene.changed("alive"), is: 0)
            try await checkLedger(scene)
        },
    ]

    /// Twenty wrong rows of three kinds, and the same number of healthy ones beside, whose ids are the answer.
    private static func crowd(_ scene: StoreScene) async throws -> [SessionID] {
        var healthy: [SessionID] = []
        for number in 0..<20 {
            _ = try await scene.schedule("late-\(number)", expiresIn: .zero)
            try await scene.release(scene.hold("left-\(number)", owner: "alive"))
            _ = try await scene.hold("lost-\(number)", owner: "dead")
            healthy.append(try await scene.schedule("early-\(number)").id)
            let waiting = try await scene.hold("waiting-\(number)", owner: "alive")
            try await scene.release(waiting, window: .seconds(600))
            healthy.append(waiting.id)
            let talking = try await scene.hold("talking-\(number)", owner: "alive")
            healthy.append(talking.id)
            let done = try await scene.hold("done-\(number)", owner: "alive")
            healthy.append(done.id)
        }
        try await scene.die("dead")
        return healthy
    }
}
