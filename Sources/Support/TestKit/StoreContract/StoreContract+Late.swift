import InterviewCore
import Ports

extension StoreContract {
    static let lateCases: [Case] = [
        Case("what a fenced owner had not committed is kept beside the conversation, in order") { scene in
            let (old, new) = try await overtaken(scene)
            try await scene.store.append([new.turn(0, "new")], as: new.ownership)
            let late = [old.turn(2, "two"), old.turn(1, "one"), old.record(3, .end(EndEntry(reason: .completed)))]
            try await scene.store.appendLate(late, as: old.ownership)
            try require(
                try await scene.store.lateJournal(of: old.id).untimed, is: [late[1], late[0], late[2]])
            try require(
                try await scene.store.lateJournal(of: old.id).allSatisfy { $0.at.milliseconds > 1_700_000_000_000 },
                "the store's times")
            try require(try await scene.store.journal(of: old.id).map(\.epoch), is: [1, 2])
            let row = try await scene.row(old.id)
            try require(row.state, is: .active)
            try require(row.ownership, is: new.ownership)
            try require(try await scene.outbox(), is: [])
        },
        Case("a record that the conversation has is no late one") { scene in
            let (old, _) = try await overtaken(scene)
            try await scene.store.appendLate([old.turn(0), old.turn(1)], as: old.ownership)
            try require(try await scene.store.lateJournal(of: old.id).untimed, is: [old.turn(1)])
        },
        Case("late records twice are there once") { scene in
            let (old, _) = try await overtaken(scene)
            for _ in 0..<3 {
                try await scene.store.appendLate(
                    [old.turn(1), old.usage(2, response: "late", micros: 50)], as: old.ownership)
            }
            try require(try await scene.store.lateJournal(of: old.id).map(\.sequence), is: [1, 2])
            try require(try await scene.row(old.id).costMicros, is: 50)
            try await checkLedger(scene)
        },
        Case("late usage is money spent, once over both tables, whoever says it first") { scene in
            let (old, new) = try await overtaken(scene)
            try await scene.store.append([new.usage(0, response: "both", micros: 100)], as: new.ownership)
            try await scene.store.appendLate(
                [old.usage(1, response: "both", micros: 100), old.usage(2, response: "mine", micros: 30)],
                as: old.ownership)
            try require(try await scene.row(old.id).costMicros, is: 130)
            try await scene.store.append([new.usage(1, response: "mine", micros: 30)], as: new.ownership)
            try require(try await scene.row(old.id).costMicros, is: 130)
            let ledger = try require(try await scene.store.ledger(of: scene.studyID()))
            try require([ledger.spentMicros, ledger.debtMicros], is: [130, 0])
            try await checkLedger(scene)
        },
        Case("usage after an end is the study's debt") { scene in
            let (old, new) = try await overtaken(scene)
            try await scene.end(new)
            try await scene.store.appendLate([old.usage(1, response: "late", micros: 70)], as: old.ownership)
            let ledger = try require(try await scene.store.ledger(of: scene.studyID()))
            try require([ledger.spentMicros, ledger.debtMicros, ledger.reservedMicros], is: [0, 70, 0])
            try require(try await scene.row(old.id).costMicros, is: 70)
            try require(try await scene.row(old.id).completionReason, is: .completed)
            try await checkLedger(scene)
        },
        Case("late records of a session that nobody knows are not found, and those beside them not written") { scene in
            let (old, _) = try await overtaken(scene)
            let nobody = StoreScene.Held(id: try scene.id("nobody"), ownership: old.ownership)
            try await require(throws: .notFound) { () throws(StoreError) in
                try await scene.store.appendLate([old.turn(1), nobody.turn(0)], as: old.ownership)
            }
            try require(try await scene.store.lateJournal(of: old.id), is: [])
            try require(try await scene.store.lateJournal(of: nobody.id), is: [])
            try await scene.store.appendLate([], as: old.ownership)
        },
    ]

    /// A session of which the old owner has committed its first turn, and that a new one holds.
    private static func overtaken(
        _ scene: StoreScene
    ) async throws -> (old: StoreScene.Held, new: StoreScene.Held) {
        let old = try await scene.hold("s", owner: "old")
        try await scene.store.append([old.turn(0)], as: old.ownership)
        return (old, try await scene.claim(scene.row(old.id), owner: "new"))
    }
}
