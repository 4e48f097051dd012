import InterviewCore
import Ports

extension StoreContract {
    static let journalCases: [Case] = [
        Case("every kind of entry comes back as it was written, with the store's time") { scene in
            let held = try await scene.hold("s")
            let turn = Turn(
                speaker: .agent, item: "item_1", text: "Grüß \"dich\" / \\ \u{1F44B}\n\u{0}", startMilliseconds: 0,
                endMilliseconds: 1_234, phase: "warm-up", heardMilliseconds: 700)
            let records = [
                held.record(0, .turn(turn)), held.turn(1, nil), held.usage(2, response: "r", micros: 17),
                held.record(3, .phase(PhaseEntry(phase: "topic"))), held.record(4, .note(NoteEntry(what: "full"))),
                held.record(5, .end(EndEntry(reason: .participantLeft, detail: "left"))),
            ]
            try await scene.store.append(records, as: held.ownership)
            let journal = try await scene.store.journal(of: held.id)
            try require(journal.untimed, is: records)
            let started = try require(try await scene.row(held.id).startedAt)
            try require(journal.allSatisfy { $0.at >= started }, "times after the start")
        },
        Case("a journal is read by epoch and sequence") { scene in
            let first = try await scene.hold("s", owner: "one")
            try await scene.store.append([first.turn(0), first.turn(1)], as: first.ownership)
            let second = try await scene.claim(scene.row(first.id), owner: "two")
            try await scene.store.append([second.turn(0)], as: second.ownership)
            try await scene.store.append([second.turn(1), second.turn(2)], as: second.ownership)
            let keys = try await scene.store.journal(of: first.id).map { [$0.epoch, $0.sequence] }
            try require(keys, is: [[1, 0], [1, 1], [2, 0], [2, 1], [2, 2]])
        },
        Case("a session without records, or unknown, has an empty journal") { scene in
            let held = try await scene.hold("s")
            try require(try await scene.store.journal(of: held.id), is: [])
            try require(try await scene.store.journal(of: scene.id("nobody")), is: [])
        },
        Case("appending nothing is no error") { scene in
            try await scene.store.append([], as: Ownership(owner: nil, epoch: 0))
        },
        Case("the same record twice is written once") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.turn(0), held.turn(1)], as: held.ownership)
            let before = try await scene.store.journal(of: held.id)
            try await scene.store.append([held.turn(1), held.turn(2)], as: held.ownership)
            let after = try await scene.store.journal(of: held.id)
            try require(Array(after.prefix(2)), is: before)
            try require(after.map(\.sequence), is: [0, 1, 2])
        },
        Case("the same key with another entry is a conflict, and nothing of that call is written") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.turn(0, "kept")], as: held.ownership)
            let before = try await scene.store.journal(of: held.id)
            try await require(throws: .conflict) { () throws(StoreError) in
                try await scene.store.append([held.turn(1), held.turn(0, "changed")], as: held.ownership)
            }
            try await require(throws: .conflict) { () throws(StoreError) in
                try await scene.store.append(
                    [held.usage(1, response: "r", micros: 5), held.record(0, .note(NoteEntry(what: "other kind")))],
                    as: held.ownership)
            }
            try require(try await scene.store.journal(of: held.id), is: before)
            try require(try await scene.row(held.id).costMicros, is: 0)
        },
        Case("records of an earlier owner, of another epoch, of nobody are fenced") { scene in
            let old = try await scene.hold("s", owner: "old")
            let new = try await scene.claim(scene.row(old.id), owner: "new")
            let attempts: [([JournalRecord], Ownership)] = [
                ([old.turn(0)], old.ownership), ([old.turn(0)], new.ownership), ([new.turn(0)], old.ownership),
                ([new.turn(0), old.turn(1)], new.ownership), ([new.turn(0)], Ownership(owner: nil, epoch: 2)),
                ([new.turn(0)], Ownership(owner: InstanceID("old"), epoch: 2)),
            ]
            for (records, holder) in attempts {
                try await require(throws: .fenced) { () throws(StoreError) in
                    try await scene.store.append(records, as: holder)
                }
            }
            try require(try await scene.store.journal(of: old.id), is: [])
        },
        Case("records of an unknown session are fenced") { scene in
            let nobody = StoreScene.Held(
                id: try scene.id("nobody"), ownership: Ownership(owner: InstanceID("me"), epoch: 0))
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.append([nobody.turn(0)], as: nobody.ownership)
            }
        },
        Case("an owner writes on while its participant is away, and not after it has released") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 1))
            try await scene.store.append([held.turn(0)], as: held.ownership)
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(60), activeMilliseconds: 1, costMicros: 0))
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.append([held.turn(1)], as: held.ownership)
            }
            try require(try await scene.store.journal(of: held.id).map(\.sequence), is: [0])
        },
        Case("what was appended is there after the store is opened again") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.turn(0), held.usage(1, response: "r", micros: 3)], as: held.ownership)
            let journal = try await scene.store.journal(of: held.id)
            let row = try await scene.row(held.id)
            await scene.store.close()
            let again = try await scene.openAgain()
            try require(try await again.journal(of: held.id), is: journal)
            try require(try await again.session(held.id), is: row)
            try require(try await again.studies().count, is: 1)
            await again.close()
        },
        Case("two processes on the same data see each other's claims and records") { scene in
            let other = try await scene.openAgain()
            try await scene.live("two", on: other)
            let old = try await scene.hold("s", owner: "one")
            try await scene.store.append([old.turn(0)], as: old.ownership)
            let seen = try require(try await other.session(old.id))
            guard
                case .claimed(let taken) = try await other.claim(
                    old.id, expecting: seen.ownership, by: InstanceID("two"), client: "page-2")
            else { throw ContractViolation(description: "claim lost") }
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.append([old.turn(1)], as: old.ownership)
            }
            let new = StoreScene.Held(id: old.id, ownership: taken.ownership)
            try await other.append([new.turn(0)], as: new.ownership)
            try require(try await scene.store.journal(of: old.id).map(\.epoch), is: [1, 2])
            await other.close()
        },
    ]

    static let moneyCases: [Case] = [
        Case("a session's cost is the sum of its usage records") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append(
                [held.usage(0, response: "a", micros: 100), held.usage(1, response: "b", micros: 23)],
                as: held.ownership)
            try require(try await scene.row(held.id).costMicros, is: 123)
            try await scene.store.append([held.usage(2, response: "c", micros: 1_000_000)], as: held.ownership)
            try require(try await scene.row(held.id).costMicros, is: 1_000_123)
        },
        Case("a usage record that is repeated costs once") { scene in
            let held = try await scene.hold("s")
            let usage = held.usage(0, response: "a", micros: 100)
            for _ in 0..<3 { try await scene.store.append([usage], as: held.ownership) }
            try require(try await scene.row(held.id).costMicros, is: 100)
        },
        Case("a response written down under another key is kept and costs once") { scene in
            let first = try await scene.hold("s", owner: "one")
            try await scene.store.append([first.usage(0, response: "a", micros: 100)], as: first.ownership)
            let second = try await scene.claim(scene.row(first.id), owner: "two")
            try await scene.store.append(
                [second.usage(0, response: "a", micros: 100), second.usage(1, response: "b", micros: 1)],
                as: second.ownership)
            try require(try await scene.row(first.id).costMicros, is: 101)
            try require(try await scene.store.journal(of: first.id).count, is: 3)
        },
        Case("a response is unique over sessions too") { scene in
            let one = try await scene.hold("one")
            let two = try await scene.hold("two")
            try await scene.store.append([one.usage(0, response: "a", micros: 100)], as: one.ownership)
            try await scene.store.append([two.usage(0, response: "a", micros: 100)], as: two.ownership)
            try require(try await scene.row(one.id).costMicros, is: 100)
            try require(try await scene.row(two.id).costMicros, is: 0)
            try require(try await scene.store.journal(of: two.id).count, is: 1)
        },
        Case("the journal's cost stands, whatever a change says") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.usage(0, response: "a", micros: 100)], as: held.ownership)
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(60), activeMilliseconds: 1, costMicros: 7))
            try require(try await scene.row(held.id).costMicros, is: 100)
        },
    ]
}
