import InterviewCore
import Ports

extension StoreContract {
    static let crowdCases: [Case] = [
        Case("200 sessions that append 20 records each at once have them all, in order") { scene in
            try await scene.saveStudy()
            try await scene.withProcesses(2) { stores in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<200 {
                        let process = scene.on(stores[number % 2])
                        group.addTask { try await talk(number, turns: 20, on: process) }
                    }
                    try await group.waitForAll()
                }
            }
            for number in 0..<200 {
                let journal = try await scene.store.journal(of: scene.id("s\(number)"))
                try require(journal.map(\.sequence), is: Array(0..<20))
                guard case .turn(let turn) = try require(journal.first).entry else {
                    throw ContractViolation(description: "no turn first")
                }
                try require(turn.text, is: "turn 0 of \(number)")
                try require(try await scene.row(scene.id("s\(number)")).costMicros, is: 12)
            }
        },
        Case("fenced and conflicting records in a crowd leave the others' unharmed") { scene in
            var holders: [StoreScene.Held] = []
            for number in 0..<60 { holders.append(try await scene.hold("s\(number)")) }
            for held in holders where isRefused(held) {
                if isFenced(held) {
                    _ = try await scene.claim(scene.row(held.id), owner: "new")
                } else {
                    try await scene.store.append([held.turn(0, "other")], as: held.ownership)
                }
            }
            let answers = try await scene.withProcesses(2) { [holders] stores in
                await withTaskGroup(of: (SessionID, StoreError?).self) { group in
                    for (number, held) in holders.enumerated() {
                        group.addTask {
                            do throws(StoreError) {
                                try await stores[number % 2].append([held.turn(0), held.turn(1)], as: held.ownership)
                                return (held.id, nil)
                            } catch {
                                return (held.id, error)
                            }
                        }
                    }
                    return await group.reduce(into: [SessionID: StoreError?]()) { $0[$1.0] = .some($1.1) }
                }
            }
            for held in holders {
                let journal = try await scene.store.journal(of: held.id).untimed
                let answer = try require(answers[held.id])
                if isFenced(held) {
                    try require(answer, is: .fenced)
                    try require(journal, is: [])
                } else if isRefused(held) {
                    try require(answer, is: .conflict)
                    try require(journal, is: [held.turn(0, "other")])
                } else {
                    try require(answer, is: nil)
                    try require(journal, is: [held.turn(0), held.turn(1)])
                }
            }
        },
        Case("owners that append while others claim: each record is of an epoch that held when it was written") {
            scene in
            let id = try await scene.schedule("s").id
            let written = try await scene.withProcesses(3) { stores in
                try await withThrowingTaskGroup(of: [JournalRecord].self) { group in
                    for number in 0..<12 {
                        let process = scene.on(stores[number % 3])
                        group.addTask { try await claimAndWrite(id, owner: "o\(number)", on: process) }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            let journal = try await scene.store.journal(of: id)
            try require(Set(journal.untimed), is: Set(written))
            // The store's time never runs back from one epoch to the next: no old owner wrote behind a claimer's back.
            try require(
                zip(journal, journal.dropFirst()).allSatisfy { $0.at <= $1.at }, "times that never run back")
        },
    ]

    private static func talk(_ number: Int, turns: Int, on scene: StoreScene) async throws {
        let held = try await scene.hold("s\(number)")
        for sequence in 0..<turns {
            let record =
                sequence % 5 == 4
                ? held.usage(Int64(sequence), response: "r\(number)-\(sequence)", micros: 3)
                : held.turn(Int64(sequence), "turn \(sequence) of \(number)")
            try await scene.store.append([record], as: held.ownership)
        }
    }

    private static func isFenced(_ held: StoreScene.Held) -> Bool {
        held.id.text.hasSuffix("7")
    }
    private static func isRefused(_ held: StoreScene.Held) -> Bool {
        held.id.text.hasSuffix("7") || held.id.text.hasSuffix("3")
    }

    /// Claims once, then writes until somebody else has claimed; returns what the store has confirmed.
    private static func claimAndWrite(
        _ id: SessionID, owner: String, on scene: StoreScene
    ) async throws -> [JournalRecord] {
        try await scene.live(owner)
        var claimed: StoreScene.Held?
        while claimed == nil {
            let row = try await scene.row(id)
            if case .claimed(let record) = try await scene.store.claim(
                id, expecting: row.ownership, by: InstanceID(owner), client: owner)
            {
                claimed = StoreScene.Held(id: id, ownership: record.ownership)
            }
        }
        let held = try require(claimed)
        var confirmed: [JournalRecord] = []
        for sequence in 0..<10 {
            let record = held.turn(Int64(sequence), "by \(owner)")
            do throws(StoreError) {
                try await scene.store.append([record], as: held.ownership)
            } catch {
                try require(error, is: .fenced)
                break
            }
            confirmed.append(record)
        }
        return confirmed
    }
}
