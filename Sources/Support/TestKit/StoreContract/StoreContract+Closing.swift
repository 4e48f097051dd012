import InterviewCore
import Ports

extension StoreContract {
    static let closingCases: [Case] = [
        Case("a living owner is asked to close its session, and told that it was") { scene in
            let held = try await scene.hold("s", owner: "me")
            let before = try await scene.row(held.id)
            try require(
                try await scene.store.requestClose(held.id, detail: "wrong study"), is: .requested(of: InstanceID("me"))
            )
            var asked = before
            asked.closeRequest = "wrong study"
            try require(try await scene.row(held.id), is: asked)
            try require(try await scene.changed("me"), is: 1)
            try require(try await scene.outbox(), is: [])
            // Asked without a reason it is asked all the same.
            _ = try await scene.store.requestClose(held.id, detail: nil)
            try require(try await scene.row(held.id).closeRequest, is: "")
        },
        Case("a session that nobody runs is closed at once: scheduled, given up, or of a dead process") { scene in
            let scheduled = try await scene.schedule("scheduled")
            let released = try await scene.hold("released", owner: "me")
            try await scene.release(released, window: .seconds(600))
            let orphan = try await scene.hold("orphan", owner: "me")
            try await scene.die("me")
            for id in [scheduled.id, released.id, orphan.id] {
                try require(try await scene.store.requestClose(id, detail: "done"), is: .ended)
                let row = try await scene.row(id)
                try require(row.state, is: .ended)
                try require(row.completionReason, is: .adminClosed)
                try require(row.completionDetail, is: "done")
                try require(row.reservedMicros, is: 0)
                try require(row.rejoinUntil, is: nil)
                try require(row.endedAt != nil, "a time of the end")
            }
            try require(try await scene.row(orphan.id).ownership, is: orphan.ownership)
            try require(try await scene.changed("me"), is: 1)
            try require(
                try await scene.outbox(),
                is: [("orphan", 1), ("released", 1), ("scheduled", 0)].map {
                    OutboxEntry(session: $0.0, epoch: $0.1, kind: "ended", ordinal: 0)
                })
            try await checkLedger(scene)
        },
        Case("what has ended is not closed again, what is unknown is unknown") { scene in
            let held = try await scene.hold("s", owner: "me")
            try await scene.end(held)
            let row = try await scene.row(held.id)
            try require(try await scene.store.requestClose(held.id, detail: "x"), is: .alreadyEnded)
            try require(try await scene.row(held.id), is: row)
            try require(try await scene.store.requestClose(scene.id("nobody"), detail: nil), is: .unknown)
            try require(try await scene.outbox().count, is: 1)
        },
        Case("a session in hand at a death goes on, and is ended at the second") { scene in
            let held = try await scene.hold("s", owner: "me")
            try require(try await scene.store.suspect(held.id), is: .marked)
            try require(try await scene.row(held.id).suspected, is: 1)
            try require(try await scene.row(held.id).state, is: .active)
            try require(try await scene.changed("me"), is: 0)
            // Another owner does not clear it.
            let next = try await scene.claim(scene.row(held.id), owner: "other")
            try require(try await scene.store.suspect(held.id), is: .ended)
            let row = try await scene.row(held.id)
            try require(row.completionReason, is: .error)
            try require(row.completionDetail, is: "suspect")
            try require(row.suspected, is: 2)
            try require(row.ownership, is: next.ownership)
            try require(row.reservedMicros, is: 0)
            try require(try await scene.changed("other"), is: 1)
            try require(
                try await scene.outbox(), is: [OutboxEntry(session: "s", epoch: 2, kind: "ended", ordinal: 0)])
            try require(try await scene.store.suspect(held.id), is: .settled)
            try require(try await scene.row(held.id), is: row)
            try await checkLedger(scene)
        },
        Case("a session that nobody knows, or that has ended, is no suspect") { scene in
            try require(try await scene.store.suspect(scene.id("nobody")), is: .settled)
            let held = try await scene.hold("s", owner: "me")
            try await scene.end(held)
            for _ in 0..<3 { try require(try await scene.store.suspect(held.id), is: .settled) }
            try require(try await scene.row(held.id).completionReason, is: .completed)
        },
    ]
}
