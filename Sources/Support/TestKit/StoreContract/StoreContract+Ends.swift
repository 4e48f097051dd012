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
}
