import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// What a process tells of all of them.
@Suite struct FleetTests {
    @Test("the fleet is every process that the store knows; the one that was asked is marked")
    func fleet() async throws {
        let rig = try await Rig()
        let other = try await rig.register("other")
        let fleet = try await rig.supervisor.fleet()
        #expect(Set(fleet.instances.map(\.instance)) == [Rig.here.text, other.text])
        for instance in fleet.instances {
            #expect(instance.isThis == (instance.instance == Rig.here.text))
            #expect(instance.capacity == 10)
            #expect(instance.leaseLeftMilliseconds > 0)
            #expect((0..<3_600).contains(instance.upSeconds))
        }
        await rig.supervisor.stop()
    }

    @Test("a session whose process has gone is stuck until somebody settles it; a running one is not")
    func stuck() async throws {
        let rig = try await Rig()
        _ = try await rig.call(try await rig.session("running"))
        let lost = try await rig.session("lost")
        let other = try await rig.register("other")
        let row = try await rig.row(lost)
        _ = try await rig.store.claim(lost.session, expecting: row.ownership, by: other, client: "page-2")
        #expect(try await rig.supervisor.stuck() == StuckReport(sessions: [], looked: 2, isPartial: false))

        // Asked to close it, the living owner does not (it is none); the asked process says so.
        #expect(try await rig.supervisor.close(lost.session, detail: "asked") == .requested)
        #expect(try await rig.supervisor.stuck().sessions.map(\.cause) == [.closeUnheard])
        await rig.supervisor.stop()
    }

    @Test("a session of a process that has gone is closed by whoever is asked")
    func closed() async throws {
        // Nobody reaps: it is not started.
        let rig = try await Rig(start: false)
        let here = try await rig.register(Rig.here.text)
        let other = try await rig.register("other")
        let lost = try await rig.session("lost")
        let row = try await rig.row(lost)
        _ = try await rig.store.claim(lost.session, expecting: row.ownership, by: other, client: "page-2")
        try await rig.store.retire(other)
        let found = try await rig.supervisor.stuck().sessions
        #expect(found.map(\.cause) == [.ownerLost])
        #expect(found.first?.owner == "other")
        #expect(try await rig.supervisor.close(lost.session, detail: "asked") == .closed)
        #expect(try await rig.row(lost).completionReason == .adminClosed)
        #expect(try await rig.supervisor.stuck().sessions.isEmpty)
        #expect(try await rig.supervisor.close(lost.session, detail: nil) == .alreadyEnded)
        #expect(try await rig.supervisor.close(try #require(SessionID("nobody")), detail: nil) == .unknown)
        try await rig.store.retire(here)
    }

    @Test("while the store is away neither is known, and a close is not taken for an unknown session")
    func away() async throws {
        let rig = try await Rig(start: false)
        rig.switched.isAway = true
        await #expect(throws: StoreError.self) { try await rig.supervisor.fleet() }
        await #expect(throws: StoreError.self) { try await rig.supervisor.stuck() }
        let id = try #require(SessionID("any"))
        await #expect(throws: StoreError.self) { try await rig.supervisor.close(id, detail: nil) }
    }
}
