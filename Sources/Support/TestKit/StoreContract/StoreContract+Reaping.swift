import InterviewCore
import Ports

extension StoreContract {
    static let reapingCases: [Case] = [
        Case("a session that nobody joined in time ends as no-show, once") { scene in
            let late = try await scene.schedule("late", expiresIn: .zero)
            let early = try await scene.schedule("early")
            let joined = try await scene.claim(scene.schedule("joined", expiresIn: .zero), owner: "me")
            let before = try await scene.row(joined.id)
            let reaped = try await scene.reap()
            try require(reaped.map(\.record.id), is: [late.id])
            let row = try await scene.row(late.id)
            try require(reaped, is: [Reaped(cause: .noShow, record: row)])
            try require(row.state, is: .ended)
            try require(row.completionReason, is: .noShow)
            try require(row.endedAt != nil, "a time of the end")
            try require(try await scene.row(early.id), is: early)
            try require(try await scene.row(joined.id), is: before)
            try require(try await scene.reap(), is: [])
            try require(
                try await scene.outbox(), is: [OutboxEntry(session: "late", epoch: 0, kind: "ended", ordinal: 0)])
        },
        Case("an interrupted session ends when its window has passed: ours as interrupted, theirs as dropped") {
            scene in
            let ours = try await scene.hold("ours")
            let theirs = try await scene.hold("theirs")
            let open = try await scene.hold("open")
            try await scene.store.update(theirs.id, as: theirs.ownership, .disconnected(activeMilliseconds: 1))
            for held in [ours, theirs] { try await scene.release(held) }
            try await scene.release(open, window: .seconds(600))
            let reaped = try await scene.reap().sorted { $0.record.id < $1.record.id }
            try require(reaped.map(\.record.id.text), is: ["ours", "theirs"])
            try require(reaped.map(\.cause), is: [.interrupted, .interrupted])
            try require(reaped.map(\.record.completionReason), is: [.interrupted, .participantLeft])
            try require(reaped.map(\.record.completionDetail), is: [nil, "dropped"])
            try require(reaped.map(\.record.ownership.epoch), is: [1, 1])
            try require(reaped.map(\.record.reservedMicros), is: [0, 0])
            try require(try await scene.row(open.id).state, is: .interrupted)
            try require(try await scene.store.journal(of: ours.id), is: [])
            try require(try await scene.outbox().map(\.session), is: ["ours", "theirs"])
            try await checkLedger(scene)
        },
        Case("the session of a dead process is interrupted with its study's window, and its owner is told") { scene in
            try await scene.saveStudy("long", rejoinSeconds: 600)
            let plain = try await scene.hold("plain", owner: "dead")
            let long = try await scene.hold("long", owner: "dead", study: "long")
            let mine = try await scene.hold("mine", owner: "alive")
            let living = try await scene.row(mine.id)
            let waiting = try await scene.schedule("waiting")
            try require(try await scene.reap(), is: [])
            try await scene.die("dead")
            let reaped = try await scene.reap(StoreScene.sweep(rejoin: .seconds(120)))
                .sorted { $0.record.id < $1.record.id }
            try require(reaped.map(\.record.id), is: [long.id, plain.id])
            try require(reaped.map(\.cause), is: [.ownerLost, .ownerLost])
            try require(reaped.map(\.record.state), is: [.interrupted, .interrupted])
            try require(reaped.map(\.record.ownership), is: [long.ownership, plain.ownership])
            let windows = try reaped.map { try require($0.record.rejoinUntil).milliseconds }
            // Both leases ended at the same time.
            try require(windows[0] - windows[1], is: 480_000)
            try require(reaped.map(\.record.reservedMicros), is: [Reservation.step, Reservation.step])
            try require(try await scene.changed("dead"), is: 2)
            try require(try await scene.changed("alive"), is: 0)
            for row in reaped.map(\.record) { try require(try await scene.row(row.id), is: row) }
            try require(try await scene.row(mine.id), is: living)
            try require(try await scene.row(waiting.id), is: waiting)
            try require(try await scene.reap(), is: [])
            try require(try await scene.outbox(), is: [])
        },
        Case("the window of a dead process' session begins when its lease ended, not when it is found") { scene in
            let held = try await scene.hold("s", owner: "dead")
            let before = try await scene.schedule("before").createdAt.milliseconds
            try await scene.die("dead")
            let after = try await scene.schedule("after").createdAt.milliseconds
            try await Task.sleep(for: .milliseconds(300))
            let found = try await scene.schedule("found").createdAt.milliseconds
            let reaped = try require(try await scene.reap(StoreScene.sweep(rejoin: .seconds(120))).first)
            let begun = try require(reaped.record.rejoinUntil).milliseconds - 120_000
            // Two clocks, each of whole milliseconds.
            try require((before - 5...after + 5).contains(begun), "a window from the end of the lease")
            try require(begun < found - 200, "a window from before it was found")
            try require(try await scene.row(held.id).state, is: .interrupted)
        },
        Case("a crash after the participant's drop does not start the window again") { scene in
            let held = try await scene.hold("s", owner: "dead")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 1))
            try await scene.die("dead")
            let orphan = try require(try await scene.reap(StoreScene.sweep(rejoin: .seconds(120))).first).record
            try require(
                try require(orphan.rejoinUntil).milliseconds,
                is: try require(orphan.disconnectedAt).milliseconds + 120_000)
        },
        Case("an orphan keeps its epoch until it is claimed, then goes on with the next") { scene in
            let held = try await scene.hold("s", owner: "dead")
            try await scene.store.append([held.turn(0)], as: held.ownership)
            try await scene.die("dead")
            let orphan = try require(try await scene.reap().first).record
            try require(orphan.ownership.epoch, is: 1)
            let next = try await scene.claim(orphan, owner: "alive")
            try require(next.ownership, is: Ownership(owner: InstanceID("alive"), epoch: 2))
            try await scene.store.append([next.turn(0)], as: next.ownership)
            try require(try await scene.store.journal(of: held.id).map(\.epoch), is: [1, 2])
        },
        Case("the session of a process whose row is gone is interrupted too") { scene in
            let forgetful = try await scene.openAgain(with { $0.remembered = .zero })
            let held = try await scene.hold("s", owner: "dead")
            try await buried(held, scene)
            try await scene.die("dead")
            _ = try await scene.on(forgetful).reap()
            try await scene.live("dead")
            _ = try await scene.store.takeBack(held.id, as: held.ownership)
            // It went on writing after it had been forgotten and had registered anew: a row like any other.
            try require(try await scene.reap(), is: [])
            try await scene.die("dead")
            try require(try await scene.reap().map(\.cause), is: [.ownerLost])
            await forgetful.close()
        },
        Case("a session that is active far beyond its limit ends as a zombie, and its owner is told") { scene in
            try await scene.saveStudy("patient", hardLimitSeconds: 600)
            let zombie = try await scene.hold("zombie", owner: "me")
            let patient = try await scene.hold("patient", owner: "me", study: "patient")
            let gone = try await scene.hold("gone", owner: "me")
            try await scene.store.update(gone.id, as: gone.ownership, .disconnected(activeMilliseconds: 0))
            try require(try await scene.reap(), is: [])
            let reaped = try await scene.reapSomething(StoreScene.zombies)
            let row = try await scene.row(zombie.id)
            try require(reaped, is: [Reaped(cause: .zombie, record: row)])
            try require(row.completionReason, is: .zombie)
            try require(row.ownership, is: zombie.ownership)
            try require(row.reservedMicros, is: 0)
            try require(try await scene.changed("me"), is: 1)
            try require(try await scene.row(patient.id).state, is: .active)
            try require(try await scene.row(gone.id).state, is: .active)
            try require(
                try await scene.outbox(), is: [OutboxEntry(session: "zombie", epoch: 1, kind: "ended", ordinal: 0)])
            try await checkLedger(scene)
        },
        Case("an absence makes no zombie of one who has come back") { scene in
            let held = try await scene.hold("s", owner: "me")
            try await scene.store.update(held.id, as: held.ownership, .disconnected(activeMilliseconds: 0))
            try await Task.sleep(for: .milliseconds(1_500))
            try await scene.store.update(held.id, as: held.ownership, .reconnected(client: "page-2"))
            let began = ContinuousClock.now
            let reaped = try await scene.reap(StoreScene.sweep(hardLimit: .seconds(1), zombieAfter: .zero))
            if began.duration(to: .now) < .milliseconds(900) { try require(reaped, is: []) }
        },
        Case("the active time of former owners counts towards a zombie, interruptions do not") { scene in
            let held = try await scene.hold("s", owner: "one")
            try await scene.store.update(
                held.id, as: held.ownership,
                .released(rejoinWindow: .seconds(600), activeMilliseconds: 3_600_000, costMicros: 0))
            _ = try await scene.claim(scene.row(held.id), owner: "two")
            try require(
                try await scene.reap(StoreScene.sweep(hardLimit: .seconds(3_000), zombieAfter: .seconds(900))), is: [])
            try require(
                try await scene.reap(StoreScene.sweep(hardLimit: .seconds(3_000), zombieAfter: .seconds(500)))
                    .map(\.cause), is: [.zombie])
        },
    ]
}
