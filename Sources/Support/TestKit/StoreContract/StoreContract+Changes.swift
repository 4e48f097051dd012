import InterviewCore
import Ports

extension StoreContract {
    static let changeCases: [Case] = [
        Case("a drop is noted once, with the active time, and the session stays active") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 5_000))
            let first = try await scene.row(held.id)
            try require(first.state, is: .active)
            try require(first.disconnectedAt != nil, "a time of the drop")
            try require(first.activeMilliseconds, is: 5_000)
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 4_000))
            try require(try await scene.row(held.id), is: first)
        },
        Case("a return clears the drop and names the new page load") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 5_000))
            try await scene.store.update(held.id, as: held.ownership, .reconnected(client: "page-2"))
            let row = try await scene.row(held.id)
            try require(row.disconnectedAt, is: nil)
            try require(row.client, is: "page-2")
            try require(row.activeMilliseconds, is: 5_000)
        },
        Case("a release gives the session up for the length of the window, same epoch") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(120), activeMilliseconds: 7_000, costMicros: 0))
            let row = try await scene.row(held.id)
            try require(row.state, is: .interrupted)
            try require(row.ownership, is: Ownership(owner: nil, epoch: held.ownership.epoch))
            try require(row.activeMilliseconds, is: 7_000)
            let window = try require(row.rejoinUntil).milliseconds - (try require(row.startedAt)).milliseconds
            try require(window >= 120_000, "a window of at least two minutes after the start")
        },
        Case("a release of a session whose participant had gone does not start the window again") { scene in
            let held = try await scene.hold("s")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 1))
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(120), activeMilliseconds: 1, costMicros: 0))
            let row = try await scene.row(held.id)
            try require(
                try require(row.rejoinUntil).milliseconds, is: try require(row.disconnectedAt).milliseconds + 120_000)
        },
        Case("a released session is claimed with the next epoch, and its windows are gone") { scene in
            let held = try await scene.hold("s", owner: "one")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 1))
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(120), activeMilliseconds: 1, costMicros: 0))
            let next = try await scene.claim(scene.row(held.id), owner: "two")
            let row = try await scene.row(held.id)
            try require(next.ownership, is: Ownership(owner: InstanceID("two"), epoch: held.ownership.epoch + 1))
            try require(row.state, is: .active)
            try require(row.rejoinUntil, is: nil)
            try require(row.disconnectedAt, is: nil)
        },
        Case("every change by an earlier owner is fenced and leaves the row alone") { scene in
            let old = try await scene.hold("s", owner: "old")
            _ = try await scene.claim(scene.row(old.id), owner: "new")
            let row = try await scene.row(old.id)
            let end = EndEntry(reason: .completed)
            let changes: [SessionChange] = [
                .disconnected(activeMilliseconds: 9), .reconnected(client: "x"),
                .released(rejoinWindow: .seconds(1), activeMilliseconds: 9, costMicros: 9),
                .ended(end, sequence: 0, activeMilliseconds: 9, costMicros: 9),
            ]
            let holders = [
                old.ownership, Ownership(owner: InstanceID("old"), epoch: 2),
                Ownership(owner: InstanceID("new"), epoch: 1), Ownership(owner: nil, epoch: 2),
            ]
            for holder in holders {
                for change in changes {
                    try await require(throws: .fenced) { () throws(StoreError) in
                        try await scene.store.update(old.id, as: holder, change)
                    }
                }
            }
            try require(try await scene.row(old.id), is: row)
            try require(try await scene.store.journal(of: old.id), is: [])
        },
        Case("a change of an unknown session is fenced") { scene in
            let id = try scene.id("nobody")
            try await require(throws: .fenced) { () throws(StoreError) in
                try await scene.store.update(
                    id, as: Ownership(owner: InstanceID("me"), epoch: 0), .reconnected(client: "x"))
            }
        },
    ]
}
