import InterviewCore
import Ports

extension StoreContract {
    static let sessionCases: [Case] = [
        Case("a new session is scheduled, unowned, and expires by the store's clock") { scene in
            let record = try await scene.schedule("s", expiresIn: .seconds(90))
            try require(record.state, is: .scheduled)
            try require(record.ownership, is: Ownership(owner: nil, epoch: 0))
            try require(record.participant, is: "p-s")
            try require(record.expiresAt.milliseconds - record.createdAt.milliseconds, is: 90_000)
            try require(record.createdAt.milliseconds > 1_700_000_000_000, "a clock of this century, in milliseconds")
            try require(record.createdAt.milliseconds < 7_000_000_000_000, "a clock of this century, in milliseconds")
            try require(try await scene.row(record.id), is: record)
        },
        Case("an unknown session is nil") { scene in
            try require(try await scene.store.session(scene.id("nobody")), is: nil)
        },
        Case("a second session of the same id is a conflict and changes nothing") { scene in
            let first = try await scene.schedule("s")
            let second = NewSession(
                id: first.id, study: first.study, participant: "somebody else", expiresIn: .seconds(1))
            try await require(throws: .conflict) { () throws(StoreError) in _ = try await scene.store.create(second) }
            try require(try await scene.row(first.id), is: first)
        },
        Case("a session of an unknown study is not found") { scene in
            let new = NewSession(
                id: try scene.id("s"), study: try scene.studyID("nobody"), participant: "p", expiresIn: .seconds(60))
            try await require(throws: .notFound) { () throws(StoreError) in _ = try await scene.store.create(new) }
            try require(try await scene.store.session(new.id), is: nil)
        },
        Case("of a crowd that creates the same session one succeeds") { scene in
            let study = try await scene.saveStudy()
            let id = try scene.id("s")
            let successes = await withTaskGroup(of: Int.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        let new = NewSession(id: id, study: study.id, participant: "p\(number)", expiresIn: .seconds(9))
                        return (try? await scene.store.create(new)) == nil ? 0 : 1
                    }
                }
                return await group.reduce(0, +)
            }
            try require(successes, is: 1)
        },
        Case("lists are newest first and filtered by study, by state and by limit") { scene in
            let a = try await scene.schedule("a", study: "one")
            let b = try await scene.schedule("b", study: "two")
            let c = try await scene.schedule("c", study: "one")
            _ = try await scene.claim(c, owner: "me")
            let all = try await scene.store.sessions(SessionFilter())
            try require(Set(all.map(\.id)), is: [a.id, b.id, c.id])
            try require(
                all.map(\.createdAt), is: all.map(\.createdAt).sorted(by: >))
            func list(_ study: String?, _ states: Set<SessionState>?, limit: Int = 10) async throws -> [String] {
                let filter = SessionFilter(
                    study: try study.map { try scene.studyID($0) }, states: states, limit: limit)
                return try await scene.store.sessions(filter).map(\.id.text)
            }
            try require(Set(try await list("one", nil)), is: ["a", "c"])
            try require(try await list("one", [.active]), is: ["c"])
            try require(Set(try await list(nil, [.scheduled, .ended])), is: ["a", "b"])
            try require(try await list(nil, []), is: [])
            try require(try await list("nobody", nil), is: [])
            try require(try await list(nil, nil, limit: 2).count, is: 2)
            try require(try await list(nil, nil, limit: 0), is: [])
            try require(try await list(nil, nil, limit: -1), is: [])
        },
    ]
}
