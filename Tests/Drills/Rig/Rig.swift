import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad
import TestKit

/// The processes of one drill in one temporary folder: simulator, daemons, web, all on the loopback; before several
/// daemons a HAProxy that follows their readiness, and a PostgreSQL where the plan asks for one.
package final class Rig: Sendable {
    package let plan: RigPlan
    package let folder: String
    package let slots: [DaemonSlot]
    package let simulator: ChildProcess
    package let web: ChildProcess
    package let database: RigDatabase?
    private let proxy: HAProxy?
    package var ports: RigPorts { slots[0].ports }
    /// The first slot's daemon of the moment: `restart` replaces it.
    package var daemon: ChildProcess { slots[0].process }
    package let http = HTTPRequester(group: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(3))
    private let keeps: Bool
    private let binaries: String

    private static let apiKey = "drill-key-0123456789abcdef"
    /// `printf %s drill-key-0123456789abcdef | sha256sum`
    private static let apiKeyHash = "c62ed6fc8f43cab7056e3335dc6c6f43e9ddd1445e3280ad5b49063012ed46de"
    package static let tokenSecret = String(repeating: "5ec2e7", count: 12)
    private static let readyWithin: Duration = .seconds(20)

    package var agentAddress: Address { get throws { try Address("http://127.0.0.1:\(ports.agent)") } }
    package var webAddress: Address { get throws { try Address("http://127.0.0.1:\(ports.web)") } }
    package var metricsAddress: Address { get throws { try Address("http://127.0.0.1:\(ports.metrics)") } }
    package var mediaAddress: Address { get throws { try Address("ws://127.0.0.1:\(ports.media)") } }
    package var simulatorAddress: Address { get throws { try Address("http://127.0.0.1:\(ports.simulator)") } }
    package var databasePath: String { "\(folder)/state/voiced.db" }
    package var audioFolder: String { "\(folder)/sound" }
    /// Where a session's finished parts lie; waits until none is on its way there, at most 5 s.
    package func recordingsFolder(_ session: String) async throws -> String {
        try await recordingsFolders(session)[0]
    }

    /// As `recordingsFolder`, of each slot: a conversation may have been in several.
    package func recordingsFolders(_ session: String) async throws -> [String] {
        let folders = slots.map(\.stateFolder)
        for _ in 0..<100
        where folders.contains(where: { FileManager.default.fileExists(atPath: "\($0)/recordings/\(session)") }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        return folders.map { "\($0)/objects/recordings/\(session)" }
    }

    /// Starts all of them and returns when they are ready.
    package static func start(_ plan: RigPlan, _ options: DrillOptions) async throws -> Rig {
        let database = plan.storage == .postgres ? try await RigDatabase.start(plan) : nil
        let ports = try RigPorts.free(daemons: plan.daemons)
        let proxy =
            plan.daemons == 1
            ? nil
            : try await HAProxy.start(
                port: ports[0].front,
                before: ports.enumerated().map {
                    HAProxy.Server(name: "voiced-\($0 + 1)", port: $1.media, healthPort: $1.agent)
                })
        let rig = try Rig(plan, options, ports, database, proxy)
        do {
            try await rig.waitUntilReady()
        } catch {
            await rig.stop()
            throw error
        }
        return rig
    }

    private init(
        _ plan: RigPlan, _ options: DrillOptions, _ ports: [RigPorts], _ database: RigDatabase?, _ proxy: HAProxy?
    ) throws {
        self.plan = plan
        self.database = database
        self.proxy = proxy
        keeps = options.keep
        let binaries = try Self.binaries(options)
        self.binaries = binaries
        let prices = URL(fileURLWithPath: options.manifests).appendingPathComponent("prices.yaml").path
        guard FileManager.default.fileExists(atPath: prices) else { throw DrillError.missing(prices) }
        folder = NSTemporaryDirectory() + "voice-drill-\(UUID().uuidString.prefix(8))"
        for name in ["sound", "studies"] + (1...plan.daemons).map({ DaemonSlot.name("state", $0) }) {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try plan.script().write(to: URL(fileURLWithPath: "\(folder)/script.json"))
        try plan.studyFile().write(toFile: "\(folder)/studies/\(plan.study).yaml", atomically: true, encoding: .utf8)
        for (index, ports) in ports.enumerated() {
            try plan.configuration(folder: folder, prices: prices, ports: ports, number: index + 1)
                .write(
                    toFile: "\(folder)/\(DaemonSlot.name("voiced", index + 1)).yaml", atomically: true,
                    encoding: .utf8)
        }
        let environment = Self.environment(plan, folder: folder)
        simulator = try ChildProcess(
            "\(binaries)/voice-sim", Self.simulatorArguments(plan, folder: folder, port: ports[0].simulator),
            environment: environment, folder: folder, name: "voice-sim")
        let place = folder
        slots = try ports.enumerated().map { index, ports in
            try DaemonSlot(
                number: index + 1, program: plan.daemonProgram ?? "\(binaries)/voiced", ports: ports, folder: place,
                environment: environment.merging(database?.environment(index + 1) ?? [:]) { $1 })
        }
        web = try ChildProcess(
            "\(binaries)/voice-web", ["--config", "\(folder)/voiced.yaml"],
            environment: environment.merging(database?.environment(nil) ?? [:]) { $1 }, folder: folder,
            name: "voice-web")
    }

    private static func environment(_ plan: RigPlan, folder: String) -> [String: String] {
        let inherited = ProcessInfo.processInfo.environment
        var environment = ["PATH": inherited["PATH"] ?? "/usr/bin:/bin", "HOME": folder]
        if let backtrace = inherited["SWIFT_BACKTRACE"] { environment["SWIFT_BACKTRACE"] = backtrace }
        environment["VOICED_TOKEN_SECRET"] = tokenSecret
        environment["OPENAI_API_KEY"] = plan.provider?.key ?? "drill"
        environment["VOICED_API_KEYS"] = "drill:\(apiKeyHash)"
        return environment.merging(plan.environment) { $1 }
    }

    private static func simulatorArguments(_ plan: RigPlan, folder: String, port: Int) -> [String] {
        [
            "--port", "\(port)", "--script", "\(folder)/script.json", "--log", "\(folder)/sim.jsonl", "--json",
        ] + (plan.keepsSound ? ["--audio-dir", "\(folder)/sound"] : []) + plan.simulatorFlags
            + (plan.simulatorKey.map { ["--api-key", $0] } ?? [])
    }

    private static func binaries(_ options: DrillOptions) throws -> String {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = options.binaries ?? own.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
        let absolute = URL(fileURLWithPath: folder).path
        for name in ["voiced", "voice-web", "voice-sim"]
        where !FileManager.default.isExecutableFile(atPath: "\(absolute)/\(name)") {
            throw DrillError.missing("\(absolute)/\(name)")
        }
        return absolute
    }

    private func waitUntilReady() async throws {
        try await waitFor(simulator, port: ports.simulator, "/sim/health")
        for slot in slots { try await waitFor(slot.process, port: slot.ports.agent, "/readyz") }
        // Any answer will do: the surface is there.
        try await waitFor(web, port: ports.web, "/v1/sessions/none", anyStatus: true)
        let daemons = slots.map { "\($0.process.pid)" }.joined(separator: " ")
        Progress.say("ready in \(folder): voice-sim \(simulator.pid), voiced \(daemons), voice-web \(web.pid)")
    }

    private func waitFor(
        _ child: ChildProcess, port: Int, _ path: String, anyStatus: Bool = false
    ) async throws {
        let address = try Address("http://127.0.0.1:\(port)")
        do {
            try await eventually(child.name, within: Self.readyWithin) {
                if child.ended != nil { throw DrillError.notReady(child.name) }
                guard let answer = try? await self.http.get(address, path) else { return false }
                return anyStatus || answer.status == 200
            }
        } catch {
            throw DrillError.notReady("\(child.name)\n\(child.output)\(child.lastErrorLines)")
        }
    }

    /// For a crowd that makes its sessions by itself.
    package var source: LoadPlan.Source {
        get throws { .create(web: try webAddress, study: plan.study, apiKey: Self.apiKey) }
    }

    /// A new session of the drill's study.
    package func createSession() async throws -> JoinTicket {
        let sessions = SessionsClient(
            web: try Address("http://127.0.0.1:\(ports.web)"), apiKey: Self.apiKey,
            group: MultiThreadedEventLoopGroup.singleton)
        return try await sessions.create(study: plan.study, participant: "drill")
    }

    /// A new session of `study`; the link waits `expiresIn` seconds for its participant.
    package func createSession(study: String, expiresIn: Int? = nil) async throws -> JoinTicket {
        var body = #"{"study":"\#(study)","participant":"drill""#
        if let expiresIn { body += #","expires_in_s":\#(expiresIn)"# }
        let answer = try await http.post(
            try webAddress, "/v1/sessions", headers: Self.authorization, body: Array("\(body)}".utf8))
        guard (200...201).contains(answer.status) else {
            throw DrillError.unreadable("POST /v1/sessions: \(answer.status)")
        }
        return try SessionsClient.ticket(line: String(decoding: answer.body, as: UTF8.self))
    }

    /// A study like the drill's own, with limits; `budgetMicros`: what all its sessions together may cost.
    package func save(study: String, limits: [String: Int] = [:], budgetMicros: Int? = nil) async throws {
        var document: [String: Any] = [
            "name": study, "language": "en", "instructions": RigPlan.instructions, "greeting": RigPlan.greeting,
            "limits": limits,
        ]
        if let budgetMicros { document["budget_micros"] = budgetMicros }
        let body = try JSONSerialization.data(withJSONObject: document)
        let answer = try await http.put(
            try webAddress, "/v1/studies/\(study)", headers: Self.authorization, body: Array(body))
        guard answer.status == 200 else {
            throw DrillError.unreadable(
                "PUT /v1/studies/\(study): \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    private static var authorization: [(String, String)] { [("Authorization", "Bearer \(apiKey)")] }

    /// What an operator would type; at the first slot where none is named.
    package func voicectl(_ arguments: [String], at slot: DaemonSlot? = nil) async throws -> ChildProcess.Exit? {
        let child = try ChildProcess(
            "\(binaries)/voicectl", arguments + ["--socket", (slot ?? slots[0]).adminSocket],
            environment: ["PATH": "/usr/bin:/bin", "HOME": folder], folder: folder,
            name: "voicectl-\(UUID().uuidString.prefix(8))")
        return await child.exit(within: .seconds(15))
    }

    /// Starts another daemon on the first slot's configuration, state and ports, once the last one is gone. Returns when
    /// it is ready.
    package func restartDaemon() async throws { try await restart(slots[0]) }

    package func restart(_ slot: DaemonSlot, _ environment: [String: String] = [:]) async throws {
        guard await slot.process.exit(within: .seconds(5)) != nil else { throw DrillError.timeout("the daemon's end") }
        try slot.startAnother(environment)
        try await waitFor(slot.process, port: slot.ports.agent, "/readyz")
    }

    /// Status of `/readyz`, `/livez` … of the first slot, or of another; nil when nobody answers.
    package func health(_ path: String, at slot: DaemonSlot? = nil) async -> Int? {
        guard let address = try? Address("http://127.0.0.1:\((slot ?? slots[0]).ports.agent)") else { return nil }
        return try? await http.get(address, path).status
    }

    /// The body of `/health`.
    package func healthReport() async throws -> HealthReport {
        let answer = try await http.get(try agentAddress, "/health")
        return try JSONDecoder().decode(HealthReport.self, from: Data(answer.body))
    }

    package func stop() async {
        for slot in slots { slot.process.send(SIGCONT) }
        for slot in slots { await slot.process.stop() }
        await web.stop()
        await simulator.stop()
        try? await proxy?.stop()
        await database?.stop()
        if keeps {
            Progress.say("kept: \(folder)")
        } else {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
