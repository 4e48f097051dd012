import InterviewCore
import Ports

extension StoreContract {
    static let claimCases: [Case] = [
        Case("a claim takes the next epoch, starts the session and names the page load") { scene in
            try await scene.live("me")
            let scheduled = try await scene.schedule("s")
            let claim = try await scene.store.claim(
                scheduled.id, expecting: scheduled.ownership, by: InstanceID("me"), client: "page-7")
            guard case .claimed(let record) = claim else { throw ContractViolation(description: "\(claim)") }
            try require(record.state, is: .active)
            try require(record.ownership, is: Ownership(owner: InstanceID("me"), epoch: 1))
            try require(record.client, is: "page-7")
            try require(record.startedAt != nil, "a start")
            try require(try await scene.row(record.id), is: record)
        },
        Case("a claim with an old expectation is lost and shows the row as it is") { scene in
            try await scene.live("second")
            let scheduled = try await scene.schedule("s")
            _ = try await scene.claim(scheduled, owner: "first")
            let now = try await scene.row(scheduled.id)
            let late = try await scene.store.claim(
                scheduled.id, expecting: scheduled.ownership, by: InstanceID("second"), client: "x")
            try require(late, is: .lost(now))
            let wrongOwner = try await scene.store.claim(
                scheduled.id, expecting: Ownership(owner: InstanceID("nobody"), epoch: 1), by: InstanceID("second"),
                client: "x")
            try require(wrongOwner, is: .lost(now))
            let noOwner = try await scene.store.claim(
                scheduled.id, expecting: Ownership(owner: nil, epoch: 1), by: InstanceID("second"), client: "x")
            try require(noOwner, is: .lost(now))
        },
        Case("a claim of an unknown session is unknown") { scene in
            try await scene.live("me")
            let claim = try await scene.store.claim(
                scene.id("nobody"), expecting: Ownership(owner: nil, epoch: 0), by: InstanceID("me"), client: "x")
            try require(claim, is: .unknown)
        },
        Case("an ended session is not claimed, however well one knows its row") { scene in
            try await scene.live("me")
            let held = try await scene.hold("s")
            try await scene.store.update(
                held.id, as: held.ownership,
                .ended(EndEntry(reason: .completed), sequence: 0, activeMilliseconds: 1, costMicros: 0))
            let row = try await scene.row(held.id)
            let claim = try await scene.store.claim(
                held.id, expecting: row.ownership, by: InstanceID("me"), client: "x")
            try require(claim, is: .lost(row))
        },
        Case("a claim from the one who holds it keeps the start and raises the epoch by one") { scene in
            let held = try await scene.hold("s", owner: "me")
            let before = try await scene.row(held.id)
            let again = try await scene.claim(before, owner: "me", client: "page-2")
            try require(again.ownership.epoch, is: before.ownership.epoch + 1)
            try require(try await scene.row(held.id).startedAt, is: before.startedAt)
        },
        Case("of a crowd of claims one wins, and the epoch grows by one") { scene in
            let id = try await scene.schedule("s").id
            for number in 0..<40 { try await scene.live("o\(number)") }
            for round in 1...5 {
                let before = try await scene.row(id)
                let claims = try await scene.withProcesses(3) { stores in
                    try await withThrowingTaskGroup(of: Claim.self) { group in
                        for number in 0..<40 {
                            group.addTask {
                                try await stores[number % 3].claim(
                                    id, expecting: before.ownership, by: InstanceID("o\(number)"),
                                    client: "c\(number)")
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                }
                let winners = claims.compactMap { if case .claimed(let record) = $0 { record } else { nil } }
                try require(winners.count, is: 1)
                let row = try await scene.row(id)
                try require(row, is: winners[0])
                try require(row.ownership.epoch, is: Int64(round))
                for claim in claims {
                    if case .lost(let seen) = claim { try require(seen, is: row) }
                }
            }
        },
    ]

    static let ownershipCases: [Case] = [
        Case("a process whose lease is past claims nothing, nor does one that nobody knows") { scene in
            let scheduled = try await scene.schedule("s")
            try await scene.live("late")
            try await scene.die("late")
            for name in ["late", "nobody"] {
                let claim = try await scene.store.claim(
                    scheduled.id, expecting: scheduled.ownership, by: InstanceID(name), client: "x")
                try require(claim, is: .leaseLapsed)
            }
            try require(try await scene.row(scheduled.id), is: scheduled)
            try require(try await scene.store.ledger(of: scheduled.study)?.reservedMicros, is: 0)
            _ = try await scene.store.renew(
                InstanceID("late"), InstanceReport(active: 0, capacity: 1, draining: false, settled: 0))
            _ = try await scene.store.claim(
                scheduled.id, expecting: scheduled.ownership, by: InstanceID("late"), client: "x")
            try require(try await scene.row(scheduled.id).ownership.owner, is: InstanceID("late"))
        },
        Case("a claim tells the one who loses the session, and nobody else") { scene in
            try await scene.live("third")
            let held = try await scene.hold("s", owner: "one")
            try require(try await scene.changed("one"), is: 0)
            _ = try await scene.claim(scene.row(held.id), owner: "two")
            try require(try await scene.changed("one"), is: 1)
            _ = try await scene.claim(scene.row(held.id), owner: "two")
            let all = try await scene.store.instances()
            try require(
                Dictionary(uniqueKeysWithValues: all.map { ($0.id.text, $0.changed) }),
                is: ["one": 1, "two": 0, "third": 0])
            let report = InstanceReport(active: 1, capacity: 1, draining: false, settled: 0)
            try require(
                try await scene.store.renew(InstanceID("one"), report), is: LeaseAnswer(changed: 1, hadLapsed: false))
        },
        Case("a lost claim tells nobody") { scene in
            let held = try await scene.hold("s", owner: "one")
            try await scene.live("two")
            let claim = try await scene.store.claim(
                held.id, expecting: Ownership(owner: nil, epoch: 0), by: InstanceID("two"), client: "x")
            guard case .lost = claim else { throw ContractViolation(description: "\(claim)") }
            try require(try await scene.changed("one"), is: 0)
        },
        Case("a session of a dead process is claimed, and a wish to close it stays") { scene in
            let held = try await scene.hold("s", owner: "one")
            _ = try await scene.store.requestClose(held.id, detail: "late")
            try await scene.die("one")
            let next = try await scene.claim(scene.row(held.id), owner: "two")
            try require(next.ownership.epoch, is: 2)
            try require(try await scene.row(held.id).closeRequest, is: "late")
        },
    ]
}
