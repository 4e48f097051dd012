import InterviewCore
import Ports

extension StoreContract {
    static let settlingCases: [Case] = [
        Case("a process finds the rows that name it and those that it holds, each once") { scene in
            let mine = try await scene.hold("mine", owner: "me")
            let lost = try await scene.hold("lost", owner: "me")
            let stray = try await scene.hold("stray", owner: "me")
            _ = try await scene.claim(scene.row(lost.id), owner: "other")
            _ = try await scene.hold("theirs", owner: "other")
            _ = try await scene.schedule("nobodys")
            let rows = try await scene.store.rows(of: InstanceID("me"), and: [mine.id, lost.id, scene.id("unknown")])
            try require(rows.map(\.id.text).sorted(), is: ["lost", "mine", "stray"])
            for row in rows { try require(try await scene.row(row.id), is: row) }
            try require(rows.first { $0.id == lost.id }?.ownership.owner, is: InstanceID("other"))
            try require(rows.first { $0.id == stray.id }?.state, is: .active)
            try require(try await scene.store.rows(of: InstanceID("nobody"), and: []), is: [])
        },
        Case("a process finds what a reaper has ended under it") { scene in
            let held = try await scene.hold("s", owner: "me")
            try await buried(held, scene)
            let rows = try await scene.store.rows(of: InstanceID("me"), and: [])
            try require(rows.map(\.state), is: [.ended])
            try require(rows.map(\.ownership), is: [held.ownership])
        },
        Case("five hundred held sessions are looked up at once") { scene in
            let held = try await scene.hold("s", owner: "me")
            let ids = try (0..<500).map { try scene.id("x\($0)") } + [held.id]
            try require(try await scene.store.rows(of: InstanceID("nobody"), and: ids).map(\.id), is: [held.id])
        },
    ]

    static let takeBackCases: [Case] = [
        Case("what is active needs no taking back") { scene in
            let held = try await scene.hold("s", owner: "me")
            let row = try await scene.row(held.id)
            try require(try await scene.store.takeBack(held.id, as: held.ownership), is: .unchanged(row))
            try require(try await scene.row(held.id), is: row)
        },
        Case("what a reaper has interrupted is active again, as it was") { scene in
            let held = try await scene.hold("s", owner: "me")
            let before = try await scene.row(held.id)
            try await scene.die("me")
            try require(try await scene.reap().map(\.cause), is: [.ownerLost])
            try require(try await scene.store.takeBack(held.id, as: held.ownership), is: .taken(before))
            try require(try await scene.row(held.id), is: before)
            try await scene.store.append([held.turn(0)], as: held.ownership)
        },
        Case("what a reaper has ended is active again, with its reservation; the next end has a job of its own") {
            scene in
            let held = try await scene.hold("s", owner: "me")
            let before = try await scene.row(held.id)
            try await buried(held, scene)
            try require(try await scene.row(held.id).reservedMicros, is: 0)
            try require(try await scene.store.takeBack(held.id, as: held.ownership), is: .taken(before))
            try require(try await scene.row(held.id), is: before)
            try require(try await scene.outbox().map(\.ordinal), is: [0])
            try await scene.end(held)
            try require(
                try await scene.outbox(),
                is: [0, 1].map { OutboxEntry(session: "s", epoch: 1, kind: "ended", ordinal: $0) })
            try await checkLedger(scene)
        },
        Case("a participant who had gone before is still gone when the session is taken back") { scene in
            let held = try await scene.hold("s", owner: "me")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 4))
            let before = try await scene.row(held.id)
            try await buried(held, scene)
            try require(try await scene.row(held.id).completionReason, is: .participantLeft)
            try require(try await scene.store.takeBack(held.id, as: held.ownership), is: .taken(before))
        },
        Case("taken back without room in the study's budget it has no reservation") { scene in
            try await scene.saveStudy(cap: Reservation.step)
            let held = try await scene.hold("s", owner: "me")
            try await buried(held, scene)
            let other = try await scene.hold("other", owner: "reaper")
            let taken = try await scene.store.takeBack(held.id, as: held.ownership)
            let row = try await scene.row(held.id)
            try require(taken, is: .takenWithoutBudget(row))
            try require(row.state, is: .active)
            try require(row.reservedMicros, is: 0)
            try require(try await scene.row(other.id).reservedMicros, is: Reservation.step)
            try await checkLedger(scene)
        },
        Case("nobody takes back what another has claimed meanwhile") { scene in
            let held = try await scene.hold("s", owner: "me")
            _ = try await scene.claim(scene.row(held.id), owner: "other")
            try await requireFenced(held, scene)
        },
        Case("nobody takes back what has been given up, nor an end that is the owner's") { scene in
            let released = try await scene.hold("released", owner: "me")
            try await scene.release(released, window: .seconds(60))
            let ended = try await scene.hold("ended", owner: "me")
            try await scene.end(ended, .participantLeft)
            for held in [released, ended] { try await requireFenced(held, scene) }
        },
        Case("nobody takes back an end that is neither a reaper's nor the owner's") { scene in
            let zombie = try await scene.hold("zombie", owner: "me")
            try require(try await scene.reapSomething(StoreScene.zombies).map(\.cause), is: [.zombie])
            let suspect = try await scene.hold("suspect", owner: "me")
            for _ in 0..<2 { _ = try await scene.store.suspect(suspect.id) }
            let closed = try await scene.hold("closed", owner: "me")
            try await scene.die("me")
            _ = try await scene.store.requestClose(closed.id, detail: nil)
            for held in [zombie, suspect, closed] {
                try require(try await scene.row(held.id).state, is: .ended)
                try await requireFenced(held, scene)
            }
        },
        Case("nobody takes back what was never claimed, or is unknown") { scene in
            let scheduled = try await scene.schedule("s")
            for ownership in [scheduled.ownership, Ownership(owner: InstanceID("me"), epoch: 0)] {
                try await requireFenced(StoreScene.Held(id: scheduled.id, ownership: ownership), scene)
                try await requireFenced(StoreScene.Held(id: scene.id("x"), ownership: ownership), scene)
            }
        },
        Case("the owner's end overrides a reaper's interruption and a reaper's end") { scene in
            for isBuried in [false, true] {
                let held = try await scene.hold("s-\(isBuried)", owner: "me")
                if isBuried {
                    try await buried(held, scene)
                } else {
                    try await scene.die("me")
                    _ = try await scene.reap()
                }
                try await scene.store.append([held.turn(0)], as: held.ownership)
                try await scene.end(held, .completed, sequence: 1)
                let row = try await scene.row(held.id)
                try require(row.completionReason, is: .completed)
                try require(row.ownership.owner, is: nil)
                try require(row.rejoinUntil, is: nil)
                try require(
                    try await scene.outbox().filter { $0.session == held.id.text }.map(\.ordinal),
                    is: isBuried ? [0, 1] : [0])
            }
            try await checkLedger(scene)
        },
    ]

    /// Its owner dies, the session is interrupted, and ended after its window. Its owner lives on afterwards.
    static func buried(_ held: StoreScene.Held, _ scene: StoreScene) async throws {
        let owner = try require(held.ownership.owner).text
        try await scene.die(owner)
        try require(try await scene.reap(StoreScene.sweep(rejoin: .zero)).map(\.cause), is: [.ownerLost])
        try require(try await scene.reap().map(\.cause), is: [.interrupted])
        try require(try await scene.row(held.id).state, is: .ended)
        try await scene.live(owner)
    }

    private static func requireFenced(_ held: StoreScene.Held, _ scene: StoreScene) async throws {
        let before = try await scene.store.session(held.id)
        try await require(throws: .fenced) { () throws(StoreError) in
            _ = try await scene.store.takeBack(held.id, as: held.ownership)
        }
        try require(try await scene.store.session(held.id), is: before)
    }
}
