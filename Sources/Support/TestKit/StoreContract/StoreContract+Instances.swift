import InterviewCore
import Ports

extension StoreContract {
    /// A lease that is past as soon as it is given.
    static let instantly = with { $0.lease = .zero }

    static func with(_ change: (inout LeaseTimes) -> Void) -> LeaseTimes {
        var times = times
        change(&times)
        return times
    }

    private static let report = InstanceReport(active: 3, capacity: 12, draining: true, settled: 2)

    static let instanceCases: [Case] = [
        Case("a registered process is listed as it said, with a lease that runs") { scene in
            let new = NewInstance(
                id: InstanceID("one"), build: "b7", mediaAddress: "10.0.0.1:8080", mediaURL: "wss://one.example",
                capacity: 40)
            try require(try await scene.store.register(new), is: LeaseAnswer(changed: 0, hadLapsed: false))
            let record = try await scene.record(of: "one")
            try require(record.build, is: "b7")
            try require(record.mediaAddress, is: "10.0.0.1:8080")
            try require(record.mediaURL, is: "wss://one.example")
            try require([record.capacity, record.active], is: [40, 0])
            try require(record.draining, is: false)
            try require(record.startedAt.milliseconds > 1_700_000_000_000, "a clock of this century")
            try require((500_000...600_000).contains(record.leaseLeftMilliseconds), "ten minutes of lease")
            try require([record.changed, record.settled], is: [0, 0])
        },
        Case("processes are listed oldest first") { scene in
            try await scene.live("a", "b", "c")
            try require(try await scene.store.instances().map(\.id.text), is: ["a", "b", "c"])
            try require(
                try await scene.store.instances().map(\.startedAt),
                is: try await scene.store.instances().map(\.startedAt).sorted())
        },
        Case("a renewal writes down what it is told, and what has been settled never grows less") { scene in
            try await scene.live("one", "two")
            try require(
                try await scene.store.renew(InstanceID("one"), report), is: LeaseAnswer(changed: 0, hadLapsed: false))
            var later = report
            later.settled = 1
            later.draining = false
            _ = try await scene.store.renew(InstanceID("one"), later)
            let record = try await scene.record(of: "one")
            try require([record.active, record.capacity], is: [3, 12])
            try require(record.draining, is: false)
            try require(record.settled, is: 2)
            try require(try await scene.record(of: "two").capacity, is: 10)
        },
        Case("a lease that was past is said to have lapsed at the next renewal, and at that only") { scene in
            let brief = try await scene.openAgain(instantly)
            try await scene.live("one", on: brief)
            try require(try await scene.record(of: "one").leaseLeftMilliseconds <= 0, "a lease that is past")
            try require(
                try await scene.store.renew(InstanceID("one"), report), is: LeaseAnswer(changed: 0, hadLapsed: true))
            try require(
                try await scene.store.renew(InstanceID("one"), report), is: LeaseAnswer(changed: 0, hadLapsed: false))
            try require(try await scene.record(of: "one").leaseLeftMilliseconds > 500_000, "a lease that runs")
            await brief.close()
        },
        Case("registering again is a renewal with a new address; what was raised stays") { scene in
            let held = try await scene.hold("s", owner: "one")
            _ = try await scene.claim(scene.row(held.id), owner: "two")
            let before = try await scene.record(of: "one")
            var again = scene.instance("one")
            again.mediaAddress = "10.0.0.2:1"
            try require(try await scene.store.register(again), is: LeaseAnswer(changed: 1, hadLapsed: false))
            let after = try await scene.record(of: "one")
            try require(after.mediaAddress, is: "10.0.0.2:1")
            try require(after.startedAt, is: before.startedAt)
            try await scene.die("one")
            try require(try await scene.store.register(again), is: LeaseAnswer(changed: 1, hadLapsed: true))
        },
        Case("a process that retires has no lease any more; one that nobody knows may retire too") { scene in
            try await scene.live("one", "two")
            try await scene.die("one")
            try await scene.die("nobody")
            try require(try await scene.record(of: "one").leaseLeftMilliseconds <= 0, "a lease that is past")
            try require(try await scene.record(of: "two").leaseLeftMilliseconds > 0, "a lease that runs")
            // A second time it does not come back to life.
            try await scene.die("one")
            try require(try await scene.record(of: "one").leaseLeftMilliseconds <= 0, "a lease that is past")
        },
        Case("a renewal of a process that nobody knows is not found") { scene in
            try await require(throws: .notFound) { () throws(StoreError) in
                _ = try await scene.store.renew(InstanceID("nobody"), report)
            }
        },
        Case("long dead processes are forgotten by whoever sweeps, once no session refers to them") { scene in
            let forgetful = try await scene.openAgain(with { $0.remembered = .zero })
            let held = try await scene.hold("s", owner: "holder")
            try await scene.live("idle", "alive", "reaper")
            try await scene.die("holder")
            try await scene.die("idle")
            _ = try await scene.store.reap(StoreScene.sweep())
            try require(try await names(scene), is: ["alive", "holder", "idle", "reaper"])
            _ = try await forgetful.reap(StoreScene.sweep())
            try require(try await names(scene), is: ["alive", "holder", "reaper"])
            try await require(throws: .notFound) { () throws(StoreError) in
                _ = try await scene.store.renew(InstanceID("idle"), report)
            }
            _ = try await scene.store.requestClose(held.id, detail: nil)
            _ = try await forgetful.reap(StoreScene.sweep())
            try require(try await names(scene), is: ["alive", "reaper"])
            try require(try await scene.row(held.id).ownership.owner, is: InstanceID("holder"))
            try require(
                try await scene.store.register(scene.instance("idle")), is: LeaseAnswer(changed: 0, hadLapsed: false))
            await forgetful.close()
        },
    ]

    private static func names(_ scene: StoreScene) async throws -> [String] {
        try await scene.store.instances().map(\.id.text).sorted()
    }

    static let signalCases: [Case] = [
        Case("whoever loses a session hears of it, from another process too") { scene in
            let held = try await scene.hold("s", owner: "one")
            let signals = scene.store.signals(for: InstanceID("one"))
            let other = try await scene.openAgain()
            _ = try await scene.on(other).claim(scene.row(held.id), owner: "two")
            try require(await heard(signals), "a signal")
            await other.close()
        },
        Case("whoever is asked to close a session hears of it, from its own store too") { scene in
            let held = try await scene.hold("s", owner: "one")
            let signals = scene.store.signals(for: InstanceID("one"))
            try require(
                try await scene.store.requestClose(held.id, detail: nil), is: .requested(of: InstanceID("one")))
            try require(await heard(signals), "a signal")
        },
        Case("signals end with the store") { scene in
            let other = try await scene.openAgain()
            try await scene.live("one", on: other)
            let signals = other.signals(for: InstanceID("one"))
            await other.close()
            for await _ in signals {}
            for await _ in other.signals(for: InstanceID("one")) {}
        },
    ]

    /// Waits for one, ten seconds at most: long after it should have come.
    private static func heard(_ signals: AsyncStream<Void>) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in signals { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(10))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}
