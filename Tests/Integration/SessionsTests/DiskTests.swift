import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

@Suite("SessionSupervisor on a disk that is nearly full")
struct DiskTests {
    private func refusal(_ answer: AdmissionAnswer) -> Refusal? {
        if case .refused(let refusal) = answer { refusal } else { nil }
    }

    @Test("new conversations are refused, those that have begun go on and may come back")
    func refusals() async throws {
        let rig = try await Rig()
        let running = try await rig.session("running")
        let (transport, _) = try await rig.call(running)
        let away = try await rig.session("away")
        let (other, _) = try await rig.call(away)
        await rig.loop.run { other.drops(.dead) }
        await rig.supervisor.noteDisk(nearlyFull: true)

        let health = await rig.supervisor.health()
        #expect(health.reasons == ["disk"])
        #expect(!health.acceptingNew)
        #expect(health.activeSessions == 2)
        let new = try await rig.session("new")
        let refused = refusal(await rig.supervisor.admit(new, probing: false))
        #expect(refused?.status == 503)
        #expect(refused?.code == "disk")
        #expect(refused?.retryAfterSeconds == 30)
        #expect(refusal(await rig.supervisor.admit(new, probing: true))?.code == "disk")
        #expect(rig.metrics.value(Metric.refusals, ["disk"]) == 1)
        #expect(refusal(await rig.supervisor.admit(away, probing: false)) == nil)

        await rig.supervisor.noteDisk(nearlyFull: false)
        #expect(await rig.supervisor.health().acceptingNew)
        #expect(refusal(await rig.supervisor.admit(new, probing: false)) == nil)
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(running)
    }

    @Test("a conversation that an earlier process left is let in again")
    func interrupted() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        _ = try await rig.store.claim(
            claims.session, expecting: Ownership(owner: nil, epoch: 0), by: try await rig.register("dead"),
            client: "page-1")
        await rig.supervisor.noteDisk(nearlyFull: true)
        #expect(refusal(await rig.supervisor.admit(claims, probing: false)) == nil)
        await rig.supervisor.stop()
    }
}
