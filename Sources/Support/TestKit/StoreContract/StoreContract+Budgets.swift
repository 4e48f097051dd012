import InterviewCore
import Ports

extension StoreContract {
    private static let dollar = Reservation.step

    static let budgetCases: [Case] = [
        Case("a session has a dollar reserved with its first claim, and keeps what it has over the next ones") {
            scene in
            try await scene.saveStudy(cap: 10 * dollar)
            let held = try await scene.hold("s", owner: "one")
            try require(try await scene.row(held.id).reservedMicros, is: dollar)
            try await scene.store.append([held.usage(0, response: "a", micros: 300_000)], as: held.ownership)
            let next = try await scene.claim(scene.row(held.id), owner: "two")
            try require(try await scene.row(held.id).reservedMicros, is: 700_000)
            try await scene.release(next, window: .seconds(60))
            try require(try await scene.row(held.id).reservedMicros, is: 700_000)
            _ = try await scene.claim(scene.row(held.id), owner: "one")
            try await requireLedger(scene, spent: 300_000, reserved: 700_000)
        },
        Case("without room nobody is admitted and nothing is taken; an end makes room") { scene in
            try await scene.saveStudy(cap: 1_500_000)
            let first = try await scene.hold("first")
            let second = try await scene.schedule("second")
            try require(try await claim(second, scene), is: .studyBudget)
            try require(try await scene.row(second.id), is: second)
            try await requireLedger(scene, reserved: dollar)
            try await scene.end(first)
            guard case .claimed = try await claim(second, scene) else {
                throw ContractViolation(description: "no room after an end")
            }
            try await requireLedger(scene, reserved: dollar)
        },
        Case("a claim that is lost, late or of an ended session reserves nothing") { scene in
            try await scene.saveStudy(cap: 10 * dollar)
            let held = try await scene.hold("s")
            try await scene.end(held)
            let row = try await scene.row(held.id)
            try require(try await claim(row, scene), is: .lost(row))
            let waiting = try await scene.schedule("waiting")
            let wrong = try await scene.store.claim(
                waiting.id, expecting: Ownership(owner: nil, epoch: 7), by: InstanceID("owner-1"), client: "x")
            try require(wrong, is: .lost(waiting))
            try await requireLedger(scene)
        },
        Case("a session that has used up its reservation needs room for its next claim") { scene in
            try await scene.saveStudy(cap: 2 * dollar)
            let held = try await scene.hold("s", owner: "one")
            try await scene.store.append([held.usage(0, response: "a", micros: dollar)], as: held.ownership)
            try await requireLedger(scene, spent: dollar)
            let next = try await scene.claim(scene.row(held.id), owner: "two")
            try await requireLedger(scene, spent: dollar, reserved: dollar)
            try await scene.store.append([next.usage(0, response: "b", micros: dollar)], as: next.ownership)
            let row = try await scene.row(held.id)
            try require(try await claim(row, scene), is: .studyBudget)
            try require(try await scene.row(held.id), is: row)
        },
        Case("a holder is granted another dollar while there is room") { scene in
            try await scene.saveStudy(cap: 2 * dollar)
            let held = try await scene.hold("s")
            try await scene.store.append([held.usage(0, response: "a", micros: 700_000)], as: held.ownership)
            try require(
                try await scene.store.topUp(held.id, as: held.ownership), is: .granted(reservedMicros: 1_300_000))
            try await requireLedger(scene, spent: 700_000, reserved: 1_300_000)
            try require(try await scene.store.topUp(held.id, as: held.ownership), is: .refused)
            try await requireLedger(scene, spent: 700_000, reserved: 1_300_000)
        },
        Case("only the holder of a session that goes on is topped up") { scene in
            let held = try await scene.hold("s", owner: "one")
            let next = try await scene.claim(scene.row(held.id), owner: "two")
            let nobody = Ownership(owner: nil, epoch: 2)
            for (id, holder) in [(held.id, held.ownership), (held.id, nobody), (try scene.id("x"), next.ownership)] {
                try await require(throws: .fenced) { () throws(StoreError) in
                    _ = try await scene.store.topUp(id, as: holder)
                }
            }
            try await buried(next, scene)
            try await require(throws: .fenced) { () throws(StoreError) in
                _ = try await scene.store.topUp(held.id, as: next.ownership)
            }
            try await requireLedger(scene)
        },
        Case("what was used beyond a reservation is debt, and takes its place under the cap") { scene in
            try await scene.saveStudy(cap: 3 * dollar)
            let held = try await scene.hold("s")
            try await scene.store.append([held.usage(0, response: "a", micros: 1_600_000)], as: held.ownership)
            try await requireLedger(scene, spent: dollar, debt: 600_000)
            try require(
                try await scene.store.topUp(held.id, as: held.ownership), is: .granted(reservedMicros: dollar))
            try require(try await scene.store.topUp(held.id, as: held.ownership), is: .refused)
            try require(try await claim(scene.schedule("other"), scene), is: .studyBudget)
            try await requireLedger(scene, spent: dollar, reserved: dollar, debt: 600_000)
        },
        Case("a repeated response is charged to the ledger once") { scene in
            let held = try await scene.hold("s")
            for sequence in 0..<3 {
                try await scene.store.append(
                    [held.usage(Int64(sequence), response: "a", micros: 10)], as: held.ownership)
            }
            try await requireLedger(scene, spent: 10, reserved: dollar - 10)
        },
        Case("a cap that is lowered refuses the next one and takes nothing back; a higher one admits again") { scene in
            try await scene.saveStudy(cap: 3 * dollar)
            let held = try await scene.hold("s")
            _ = try await scene.hold("t")
            try await scene.saveStudy(cap: dollar)
            try await requireLedger(scene, reserved: 2 * dollar, isWithinCap: false)
            try require(try await scene.store.topUp(held.id, as: held.ownership), is: .refused)
            try require(try await claim(scene.schedule("u"), scene), is: .studyBudget)
            try await scene.saveStudy(cap: 4 * dollar)
            _ = try await scene.claim(scene.row(scene.id("u")), owner: "me")
            try await requireLedger(scene, reserved: 3 * dollar)
        },
        Case("without a cap everybody is admitted, and a cap set later finds what is reserved and spent") { scene in
            let held = try await scene.hold("s")
            try await scene.store.append([held.usage(0, response: "a", micros: 1_200_000)], as: held.ownership)
            try require(
                try await scene.store.topUp(held.id, as: held.ownership), is: .granted(reservedMicros: dollar))
            try await requireLedger(scene, spent: dollar, reserved: dollar, debt: 200_000)
            try await scene.saveStudy(cap: 3 * dollar)
            try require(try await claim(scene.schedule("t"), scene), is: .studyBudget)
        },
        Case("studies have ledgers of their own, and an unknown one has none") { scene in
            try await scene.saveStudy("poor", cap: 0)
            let refused = try await scene.schedule("s", study: "poor")
            try require(try await claim(refused, scene), is: .studyBudget)
            _ = try await scene.hold("t")
            try require(
                try await scene.store.ledger(of: scene.studyID("poor")),
                is: StudyLedger(capMicros: 0, spentMicros: 0, reservedMicros: 0, debtMicros: 0))
            try require(try await scene.store.ledger(of: scene.studyID("nobody")), is: nil)
        },
        Case("of a hundred sessions at once, at three processes, ten dollars admit exactly ten") { scene in
            try await scene.saveStudy(cap: 10 * dollar)
            var rows: [SessionRecord] = []
            for number in 0..<100 { rows.append(try await scene.schedule("s\(number)")) }
            try await scene.live("o0", "o1", "o2")
            let claims = try await scene.withProcesses(3) { [rows] stores in
                try await withThrowingTaskGroup(of: Claim.self) { group in
                    for (number, row) in rows.enumerated() {
                        group.addTask {
                            try await stores[number % 3].claim(
                                row.id, expecting: row.ownership, by: InstanceID("o\(number % 3)"), client: "x")
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            try require(claims.count { if case .claimed = $0 { true } else { false } }, is: 10)
            try require(claims.count { $0 == .studyBudget }, is: 90)
            try await requireLedger(scene, reserved: 10 * dollar)
        },
    ]

    static let ledgerCases: [Case] = [
        Case("ledger and rows agree after each of three hundred steps of any kind") { scene in
            try await scene.saveStudy(cap: 9 * dollar)
            try await scene.live("reaper")
            var dice = Dice(seed: 20_240_607)
            var hands: [StoreScene.Held] = []
            for step in 0..<300 {
                let held = hands.isEmpty ? nil : hands[dice.roll(hands.count)]
                do throws(StoreError) {
                    switch (dice.roll(8), held) {
                    case (0, _), (_, nil):
                        if let new = try await admitted("s\(step)", scene) { hands.append(new) }
                    case (1, .some(let held)):
                        _ = try await scene.store.topUp(held.id, as: held.ownership)
                    case (2, .some(let held)):
                        try await scene.store.appendLate(
                            [
                                held.usage(
                                    Int64(step), response: "r\(dice.roll(200))", micros: Int64(dice.roll(900_000)))
                            ],
                            as: held.ownership)
                    case (3, .some(let held)):
                        try await scene.store.update(
                            held.id, as: held.ownership,
                            .ended(
                                EndEntry(reason: .completed), sequence: Int64(step), activeMilliseconds: 1,
                                costMicros: 0))
                    case (4, .some(let held)):
                        _ = try await scene.store.suspect(held.id)
                    case (5, .some(let held)):
                        _ = try await scene.store.takeBack(held.id, as: held.ownership)
                    case (_, .some(let held)):
                        try await scene.store.append(
                            [held.usage(Int64(step), response: "r\(step)", micros: Int64(dice.roll(500_000)))],
                            as: held.ownership)
                    }
                } catch {
                    try require(error, is: .fenced)
                }
                try await checkLedger(scene)
            }
            let ledger = try require(try await scene.store.ledger(of: scene.studyID()))
            try require(ledger.spentMicros > 0 && ledger.debtMicros > 0, "money of both kinds")
        }
    ]

    private static func admitted(_ name: String, _ scene: StoreScene) async throws(StoreError) -> StoreScene.Held? {
        do {
            let row = try await scene.schedule(name)
            guard case .claimed(let record) = try await claim(row, scene) else { return nil }
            return StoreScene.Held(id: record.id, ownership: record.ownership)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .corrupt(code: "\(error)")
        }
    }

    private static func claim(_ record: SessionRecord, _ scene: StoreScene) async throws -> Claim {
        try await scene.live("owner-1")
        return try await scene.store.claim(
            record.id, expecting: record.ownership, by: InstanceID("owner-1"), client: "x")
    }

    private static func requireLedger(
        _ scene: StoreScene, spent: Int64 = 0, reserved: Int64 = 0, debt: Int64 = 0, isWithinCap: Bool = true
    ) async throws {
        let ledger = try require(try await scene.store.ledger(of: scene.studyID()))
        try require([ledger.spentMicros, ledger.reservedMicros, ledger.debtMicros], is: [spent, reserved, debt])
        try await checkLedger(scene, isWithinCap: isWithinCap)
    }

    /// What the ledger says is what its sessions say, and the promise of every committed state holds.
    static func checkLedger(_ scene: StoreScene, isWithinCap: Bool = true) async throws {
        let study = try scene.studyID()
        let ledger = try require(try await scene.store.ledger(of: study))
        let rows = try await scene.store.sessions(SessionFilter(study: study, limit: 1_000))
        try require(ledger.reservedMicros, is: rows.reduce(0) { $0 + $1.reservedMicros })
        try require(ledger.spentMicros + ledger.debtMicros, is: rows.reduce(0) { $0 + $1.costMicros })
        try require(
            rows.allSatisfy { $0.reservedMicros >= 0 && ($0.state != .ended || $0.reservedMicros == 0) },
            "nothing reserved for what has ended")
        try require(try await scene.store.study(study)?.budgetMicros, is: ledger.capMicros)
        guard isWithinCap, let cap = ledger.capMicros else { return }
        try require(ledger.spentMicros + ledger.reservedMicros <= cap, "spent + reserved <= cap")
    }
}

/// The same throws in every run.
private struct Dice {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func roll(_ sides: Int) -> Int {
        // Knuth's MMIX; its high bits are the good ones.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(truncatingIfNeeded: (state >> 33) % UInt64(sides))
    }
}
