import InterviewCore
import Ports

extension StoreContract {
    static let studyCases: [Case] = [
        Case("a study comes back as it was saved") { scene in
            let saved = try await scene.saveStudy(rejoinSeconds: 300)
            try require(try await scene.store.study(saved.id), is: saved)
        },
        Case("an unknown study is nil") { scene in
            try require(try await scene.store.study(scene.studyID("nobody")), is: nil)
        },
        Case("saving a study again replaces it") { scene in
            var study = try await scene.saveStudy()
            study.name = "renamed"
            study.voice = nil
            study.limits = SessionLimits(hardLimitSeconds: 60, budgetMicros: 1_500_000)
            try await scene.store.save(study)
            try require(try await scene.store.studies(), is: [study])
        },
        Case("studies are listed by id") { scene in
            for id in ["b", "C", "a"] { try await scene.saveStudy(id) }
            try require(try await scene.store.studies().map(\.id.text), is: ["C", "a", "b"])
        },
        Case("a study of a session can be saved again") { scene in
            var study = try await scene.saveStudy()
            let session = try await scene.schedule("s")
            study.greeting = "Hello"
            try await scene.store.save(study)
            try require(try await scene.row(session.id).study, is: study.id)
        },
        Case("an open store answers a ping") { scene in
            try await scene.store.ping()
        },
        Case("a closed store says that it is unavailable") { scene in
            let other = try await scene.openAgain()
            await other.close()
            do throws(StoreError) {
                try await other.ping()
            } catch {
                guard case .unavailable = error else { throw ContractViolation(description: "threw \(error)") }
                return
            }
            throw ContractViolation(description: "a closed store answered")
        },
    ]
}
