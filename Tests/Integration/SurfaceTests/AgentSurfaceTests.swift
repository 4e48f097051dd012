import AgentSurface
import Foundation
import HTTPServing
import InterviewCore
import NIOHTTP1
import Testing
import WireFormats

@Suite("AgentSurface")
struct AgentSurfaceTests {
    private func probing(_ control: FakeControl, _ body: (Peer) async throws -> Void) async throws {
        let listener = AgentSurface.probes(host: "127.0.0.1", port: 0, control: control, logger: quiet)
        try await running(listener) { try await body(.port(try await listener.port())) }
    }

    @Test("/livez is 200 while draining and 503 when a loop is stuck")
    func livez() async throws {
        let control = FakeControl()
        try await probing(control) { (peer) async throws in
            control.change { $0.health.draining = true }
            #expect(try await peer.get("/livez").status == 200)
            control.change { $0.alive = false }
            #expect(try await peer.get("/livez").status == 503)
        }
    }

    @Test(
        "/readyz is 503 only while starting or draining; /health is the same body and always 200",
        arguments: [
            (
                HealthReport(
                    status: "healthy", activeSessions: 1, acceptingNew: true, draining: false, capacity: 9, reasons: []),
                200
            ),
            (
                HealthReport(
                    status: "degraded", activeSessions: 9, acceptingNew: false, draining: false, capacity: 9,
                    reasons: ["full", "store_unavailable", "provider_down"]), 200
            ),
            (
                HealthReport(
                    status: "starting", activeSessions: 0, acceptingNew: false, draining: false, capacity: 9,
                    reasons: ["starting"]), 503
            ),
            (
                HealthReport(
                    status: "draining", activeSessions: 1, acceptingNew: false, draining: true, capacity: 9,
                    reasons: ["draining"]), 503
            ),
        ])
    func readyz(report: HealthReport, status: Int) async throws {
        let control = FakeControl()
        control.change { $0.health = report }
        try await probing(control) { (peer) async throws in
            let ready = try await peer.get("/readyz")
            #expect(ready.status == status)
            #expect(try ready.decode(HealthReport.self) == report)
            let health = try await peer.get("/health")
            #expect(health.status == 200)
            #expect(health.data == ready.data)
            #expect(health.header("Cache-Control") == "no-store")
        }
    }

    @Test("an unknown path is 404, a wrong method 405 with Allow, HEAD works where GET does")
    func methods() async throws {
        try await probing(FakeControl()) { (peer) async throws in
            let missing = try await peer.get("/nothing")
            #expect(missing.status == 404)
            #expect(missing.code == "not_found")
            let posted = try await peer.send(.POST, "/livez", "{}")
            #expect(posted.status == 405)
            #expect(posted.code == "method_not_allowed")
            #expect(posted.header("Allow") == "GET, HEAD")
            let head = try await peer.send(.HEAD, "/livez")
            #expect(head.status == 200)
            #expect(head.data.isEmpty)
        }
    }

    @Test("/metrics says which format it is in")
    func metrics() async throws {
        let listener = AgentSurface.metrics(host: "127.0.0.1", port: 0, control: FakeControl(), logger: quiet)
        try await running(listener) {
            let page = try await Peer.port(try await listener.port()).get("/metrics")
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(page.text.hasPrefix("# TYPE voice_build_info gauge"))
        }
    }

    @Test("a port in use is told with its address and the key that moves it")
    func inUse() async throws {
        let first = AgentSurface.probes(host: "127.0.0.1", port: 0, control: FakeControl(), logger: quiet)
        try await running(first) {
            let port = try await first.port()
            let second = AgentSurface.probes(host: "127.0.0.1", port: port, control: FakeControl(), logger: quiet)
            let thrown = await #expect(throws: ListenError.self) { try await second.run() }
            let error = try #require(thrown)
            #expect(error == .inUse(.tcp(host: "127.0.0.1", port: port), setting: "agent.port"))
            #expect(error.description.contains("127.0.0.1:\(port)"))
            #expect(error.description.contains("agent.port"))
            await #expect(throws: error) { try await second.port() }
        }
    }

    @Test("a host that is not this machine's is told with the key of the host")
    func wrongHost() async throws {
        let listener = AgentSurface.probes(host: "192.0.2.1", port: 0, control: FakeControl(), logger: quiet)
        let error = await #expect(throws: ListenError.self) { try await listener.run() }
        #expect(error == .noSuchHost(.tcp(host: "192.0.2.1", port: 0), setting: "agent.host"))
    }
}

@Suite("The admin socket")
struct AdminSocketTests {
    private func administering(
        _ control: FakeControl, reload: (@Sendable () async -> ReloadReport)? = nil,
        _ body: (Peer, String) async throws -> Void
    ) async throws {
        let path = "\(try temporaryFolder())/run/admin.sock"
        let listener = AgentSurface.admin(socket: path, control: control, reload: reload, logger: quiet)
        try await running(listener) {
            _ = try await listener.port()
            try await body(.socket(path), path)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    @Test("socket 0600 in a folder 0700, nothing else left in it, gone at the end")
    func permissions() async throws {
        try await administering(FakeControl()) { (_, path) async throws in
            let folder = (path as NSString).deletingLastPathComponent
            #expect(try mode(path) == 0o600)
            #expect(try mode(folder) == 0o700)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["admin.sock"])
        }
    }

    @Test("status, sessions and one session are the reports of the core")
    func reports() async throws {
        try await administering(FakeControl()) { (peer, _) async throws in
            let status = try await peer.get("/v1/status").decode(StatusReport.self)
            #expect(status.loops == 2)
            let list = try await peer.get("/v1/sessions").decode(SessionList.self)
            #expect(list.sessions.map(\.id.text) == ["s-1"])
            let detail = try await peer.get("/v1/sessions/s-1").decode(SessionDetail.self)
            #expect(detail.counters == ["frames_in": 3])
            for id in ["s-2", "a%20b", String(repeating: "x", count: 65)] {
                let missing = try await peer.get("/v1/sessions/\(id)")
                #expect(missing.status == 404)
                #expect(missing.code == "unknown_session")
            }
        }
    }

    @Test("close takes a detail or nothing, and tells unknown from ended")
    func closing() async throws {
        let control = FakeControl()
        try await administering(control) { (peer, _) async throws in
            let plain = try await peer.send(.POST, "/v1/sessions/s-1/close")
            #expect(plain.status == 200)
            #expect(try plain.decode(CloseAnswer.self).outcome == .closed)
            #expect(try await peer.send(.POST, "/v1/sessions/s-1/close", #"{"detail":"asked"}"#).status == 200)
            #expect(control.closed == ["s-1 nil", "s-1 asked"])
            #expect(try await peer.send(.POST, "/v1/sessions/s-ended/close").code == "already_ended")
            #expect(try await peer.send(.POST, "/v1/sessions/s-2/close").status == 404)
            #expect(try await peer.get("/v1/sessions/s-1/close").header("Allow") == "POST")
            let asked = try await peer.send(.POST, "/v1/sessions/s-others/close")
            #expect(asked.status == 202)
            #expect(try asked.decode(CloseAnswer.self).outcome == .requested)
        }
    }

    @Test("the fleet and what is stuck come from the store; while it is away that is said")
    func fleet() async throws {
        let control = FakeControl()
        try await administering(control) { (peer, _) async throws in
            let fleet = try await peer.get("/v1/fleet")
            #expect(fleet.status == 200)
            #expect(try fleet.decode(FleetReport.self) == (try await control.fleet()))
            let text = String(decoding: fleet.data, as: UTF8.self)
            for key in [
                "instance", "this", "build", "media_address", "active", "capacity", "draining", "started_at_ms",
                "up_s", "lease_left_ms",
            ] { #expect(text.contains("\"\(key)\":")) }
            let stuck = try await peer.get("/v1/stuck")
            #expect(try stuck.decode(StuckReport.self) == (try await control.stuck()))
            #expect(String(decoding: stuck.data, as: UTF8.self).contains(#""cause":"owner_lost""#))

            control.change { $0.storeIsAway = true }
            for path in ["/v1/fleet", "/v1/stuck"] {
                let away = try await peer.get(path)
                #expect(away.status == 503)
                #expect(away.code == "store_unavailable")
            }
            #expect(try await peer.send(.POST, "/v1/sessions/s-others/close").code == "store_unavailable")
        }
    }

    @Test(
        "a body that is none of ours does nothing",
        arguments: [
            (#"{"detail":5}"#, "application/json", 400, "invalid_field"), ("[1]", "application/json", 400, "bad_json"),
            ("{", "application/json", 400, "bad_json"), (#"{"detail":"x"}"#, "text/plain", 415, "not_json"),
            (#"{"detail":"\#(String(repeating: "x", count: 201))"}"#, "application/json", 400, "invalid_field"),
            (#"{"detail":"\#(String(repeating: "x", count: 5_000))"}"#, "application/json", 413, "too_large"),
        ])
    func badBodies(body: String, type: String, status: Int, code: String) async throws {
        let control = FakeControl()
        try await administering(control) { (peer, _) async throws in
            let reply = try await peer.send(.POST, "/v1/sessions/s-1/close", body, headers: ["Content-Type": type])
            #expect(reply.status == status)
            #expect(reply.code == code)
            #expect(control.closed == [])
        }
    }

    @Test("drain takes seconds or nothing")
    func drain() async throws {
        let control = FakeControl()
        try await administering(control) { (peer, _) async throws in
            #expect(try await peer.send(.POST, "/v1/drain").decode(DrainReport.self).draining)
            #expect(try await peer.send(.POST, "/v1/drain", #"{"timeout_s":30}"#).status == 200)
            #expect(try await peer.send(.POST, "/v1/drain", #"{"timeout_s":-1}"#).code == "invalid_field")
            #expect(control.drains == [nil, .seconds(30)])
        }
    }

    @Test("costs are those of the core, of all that run and of one")
    func costs() async throws {
        let control = FakeControl()
        try await administering(control) { (peer, _) async throws in
            let list = try await peer.get("/v1/cost").decode(CostList.self)
            #expect(list.sessions == (await control.costs()))
            #expect(list.sessions.first?.models.first?.parts.count == 1)
            let one = try await peer.get("/v1/sessions/s-1/cost").decode(SessionCost.self)
            #expect(list.sessions == [one])
            #expect(try await peer.get("/v1/sessions/s-2/cost").code == "unknown_session")
        }
    }

    @Test("reload answers what became of it, refused included; without a configuration it says so")
    func reloading() async throws {
        let report = ReloadReport(outcome: .refused, problems: ["limits.idle: is odd; write less"])
        try await administering(FakeControl(), reload: { report }) { (peer, _) async throws in
            let reply = try await peer.send(.POST, "/v1/reload", "{}")
            #expect(reply.status == 200)
            #expect(try reply.decode(ReloadReport.self) == report)
            #expect(try await peer.get("/v1/reload").header("Allow") == "POST")
        }
        try await administering(FakeControl()) { (peer, _) async throws in
            #expect(try await peer.send(.POST, "/v1/reload").code == "not_reloadable")
        }
    }

    @Test("a living daemon's socket is left alone; a dead one's is replaced; a file is never removed")
    func staleFiles() async throws {
        let folder = try temporaryFolder()
        let path = "\(folder)/admin.sock"
        let first = AgentSurface.admin(socket: path, control: FakeControl(), logger: quiet)
        try await running(first) {
            _ = try await first.port()
            let second = AgentSurface.admin(socket: path, control: FakeControl(), logger: quiet)
            await #expect(throws: ListenError.anotherProcess(path: path)) { try await second.run() }
            #expect(try await Peer.socket(path).get("/v1/status").status == 200)
        }

        try makeDeadSocket(path)
        let third = AgentSurface.admin(socket: path, control: FakeControl(), logger: quiet)
        try await running(third) {
            _ = try await third.port()
            #expect(try await Peer.socket(path).get("/v1/status").status == 200)
        }

        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        let fourth = AgentSurface.admin(socket: path, control: FakeControl(), logger: quiet)
        await #expect(throws: ListenError.notASocket(path: path)) { try await fourth.run() }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test("a path too long for a socket says so")
    func longPath() async throws {
        let path = "/tmp/\(String(repeating: "x", count: 110))/admin.sock"
        let listener = AgentSurface.admin(socket: path, control: FakeControl(), logger: quiet)
        await #expect(throws: ListenError.pathTooLong(path: path)) { try await listener.run() }
    }

    /// What a killed process leaves: a bound socket that nobody listens on.
    private func makeDeadSocket(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }
}
