import InterviewCore
import Ports

extension StoreContract {
    static let endCases: [Case] = [
        Case("an end is in the row and in the journal, and the session is nobody's") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.turn(0)], as: held.ownership)
            let end = EndEntry(reason: .participantLeft, detail: "left")
            try await scene.store.update(
                held.id, as: held.ownership, .ended(end, sequence: 1, activeMilliseconds: 60_000, costMicros: 0))
            let row = try await scene.row(held.id)
            try require(row.state, is: .ended)
            try require(row.completionReason, is: .participantLeft)
            try require(row.completionDetail, is: "left")
            try require(row.activeMilliseconds, is: 60_000)
            try require(row.ownership, is: Ownership(owner: nil, epoch: held.ownership.epoch))
            try require(row.endedAt != nil, "a time of the end")
            let journal = try await scene.store.journal(of: held.id)
            try require(journal.untimed, is: [held.turn(0), held.record(1, .end(end))])
        },
        Case("the same end twice is no error and changes nothing") { scene in
            let held = try await scene.hold("s")
            let change = SessionChange.ended(
                EndEntry(reason: .completed), sequence: 0, activeMilliseconds: 5, costMicros: 0)
            try await scene.store.update(held.id, as: held.ownership, change)
            let row = try await scene.row(held.id)
            let journal = try await scene.store.journal(of: held.id)
            try await scene.store.update(held.id, as: held.ownership, change)
            try require(try await scene.row(held.id), is: row)
            try require(try await scene.store.journal(of: held.id), is: journal)
        },
        Case("another end under the same key is a conflict") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(
                held.id, as: held.ownership,
                .ended(EndEntry(reason: .completed), sequence: 0, activeMilliseconds: 5, costMicros: 0))
            let row = try await scene.row(held.id)
            try await require(throws: .conflict) { () throws(StoreError) in
                try await scene.store.update(
                    held.id, as: held.ownership,
                    .ended(EndEntry(reason: .error), sequence: 0, activeMilliseconds: 5, costMicros: 0))
            }
            try require(try await scene.row(held.id), is: row)
        },
        Case("an end whose key another record has is a conflict, and the session goes on") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.turn(0)], as: held.ownership)
            try await require(throws: .conflict) { () throws(StoreError) in
                try await scene.store.update(
                    held.id, as: held.ownership,
                    .ended(EndEntry(reason: .error), sequence: 0, activeMilliseconds: 5, costMicros: 0))
            }
            try require(try await scene.row(held.id).state, is: .active)
            try await scene.store.append([held.turn(1)], as: held.ownership)
        },
        Case("nothing follows an end") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(
                held.id, as: held.ownership,
                .ended(EndEntry(reason: .completed), sequence: 0, activeMilliseconds: 5, costMicros: 0))
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.append([held.turn(1)], as: held.ownership)
            }
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.update(held.id, as: held.ownership, .reconnected(client: "x"))
            }
        },
    ]

    static let reapingCases: [Case] = [
        Case("a session that nobody joined in time ends as no-show, once") { scene in
            let late = try await scene.schedule("late", expiresIn: .zero)
            let early = try await scene.schedule("early")
            let ended = try await scene.store.endOverdue(limit: 10)
            try require(ended.map(\.id), is: [late.id])
            try require(ended.first?.completionReason, is: .noShow)
            try require(try await scene.row(late.id), is: try require(ended.first))
            try require(try await scene.row(early.id), is: early)
            try require(try await scene.store.endOverdue(limit: 10), is: [])
        },
        Case("an interrupted session ends when its window has passed: ours as interrupted, theirs as dropped") {
            scene in
            let ours = try await scene.hold("ours")
            let theirs = try await scene.hold("theirs")
            let open = try await scene.hold("open")
            try await scene.store.update(theirs.id, as: theirs.ownership, .disconnected(activeMilliseconds: 1))
            for held in [ours, theirs] {
                try await scene.store.update(
                    held.id, as: held.ownership,
                    .released(rejoinWindow: .zero, activeMilliseconds: 1, costMicros: 0))
            }
            try await scene.store.update(
                open.id, as: open.ownership,
                .released(rejoinWindow: .seconds(600), activeMilliseconds: 1, costMicros: 0))
            let ended = try await scene.store.endOverdue(limit: 10)
            try require(ended.map(\.id.text), is: ["ours", "theirs"])
            try require(ended.map(\.completionReason), is: [.interrupted, .participantLeft])
            try require(ended.map(\.completionDetail), is: [nil, "dropped"])
            try require(ended.map(\.ownership.epoch), is: [1, 1])
            try require(try await scene.row(open.id).state, is: .interrupted)
            try require(try await scene.store.journal(of: ours.id), is: [])
        },
        Case("an active session is never overdue, nor is one that was joined after it expired") { scene in
            let record = try await scene.schedule("s", expiresIn: .zero)
            _ = try await scene.claim(record, owner: "me")
            try require(try await scene.store.endOverdue(limit: 10), is: [])
        },
        Case("at most so many end at a time, each once, however many ask") { scene in
            for number in 0..<20 { _ = try await scene.schedule("s\(number)", expiresIn: .zero) }
            try require(try await scene.store.endOverdue(limit: 0), is: [])
            try require(try await scene.store.endOverdue(limit: 5).count, is: 5)
            let ended = try await withThrowingTaskGroup(of: [SessionRecord].self) { group in
                for _ in 0..<8 { group.addTask { try await scene.store.endOverdue(limit: 4) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try require(ended.count, is: 15)
            try require(Set(ended.map(\.id)).count, is: 15)
        },
        Case("what an earlier process left active is interrupted with its study's window, the keeper's is not") {
            scene in
            try await scene.saveStudy("long", rejoinSeconds: 600)
            let plain = try await scene.hold("plain", owner: "dead")
            let long = try await scene.hold("long", owner: "dead", study: "long")
            let mine = try await scene.hold("mine", owner: "alive")
            let waiting = try await scene.schedule("waiting")
            let orphans = try await scene.store.interruptOrphans(
                of: InstanceID("alive"), defaultRejoin: .seconds(120))
            try require(orphans.map(\.id), is: [long.id, plain.id])
            try require(orphans.map(\.state), is: [.interrupted, .interrupted])
            let windows = try orphans.map { try require($0.rejoinUntil).milliseconds }
            let difference = windows[0] - windows[1]
            try require(difference, is: 480_000)
            try require(try await scene.row(mine.id).state, is: .active)
            try require(try await scene.row(waiting.id).state, is: .scheduled)
            try require(
                try await scene.store.interruptOrphans(of: InstanceID("alive"), defaultRejoin: .zero), is: [])
        },
        Case("a crash after the participant's drop does not start the window again") { scene in
            let held = try await scene.hold("s", owner: "dead")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 1))
            let orphan = try require(
                try await scene.store.interruptOrphans(of: InstanceID("alive"), defaultRejoin: .seconds(120)).first)
            try require(
                try require(orphan.rejoinUntil).milliseconds,
                is: try require(orphan.disconnectedAt).milliseconds + 120_000)
        },
        Case("an orphan keeps its epoch until it is claimed, then goes on with the next") { scene in
            let held = try await scene.hold("s", owner: "dead")
            try await scene.store.append([held.turn(0)], as: held.ownership)
            let orphan = try require(
                try await scene.store.interruptOrphans(of: InstanceID("alive"), defaultRejoin: .seconds(120)).first)
            try require(orphan.ownership.epoch, is: 1)
            let next = try await scene.claim(orphan, owner: "alive")
            try require(next.ownership, is: Ownership(owner: InstanceID("alive"), epoch: 2))
            try await scene.store.append([next.turn(0)], as: next.ownership)
            try require(try await scene.store.journal(of: held.id).map(\.epoch), is: [1, 2])
        },
    ]
}
