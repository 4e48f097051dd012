import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad
import Synchronization

/// The processes of one drill in one temporary folder: simulator, daemon, web; all on the loopback.
package final class Rig: Sendable {
    package let plan: RigPlan
    package let folder: String
    package let ports: RigPorts
    package let simulator: ChildProcess
    package let web: ChildProcess
    /// The daemon of the moment: `restartDaemon` replaces it.
    package var daemon: ChildProcess { daemons.withLock { $0[$0.count - 1] } }
    private let daemons: Mutex<[ChildProcess]>
    private let startDaemon: @Sendable (_ name: String) throws -> ChildProcess
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
        for _ in 0..<100 where FileManager.default.fileExists(atPath: "\(folder)/state/recordings/\(session)") {
            try await Task.sleep(for: .milliseconds(50))
        }
        return "\(folder)/state/objects/recordings/\(session)"
    }

    /// Starts all three and returns when they are ready.
    package static func start(_ plan: RigPlan, _ options: DrillOptions) async throws -> Rig {
        let rig = try Rig(plan, options)
        do {
            try await rig.waitUntilReady()
        } catch {
            await rig.stop()
            throw error
        }
        return rig
    }

    private init(_ plan: RigPlan, _ options: DrillOptions) throws {
        self.plan = plan
        keeps = options.keep
        let binaries = try Self.binaries(options)
        self.binaries = binaries
        let prices = URL(fileURLWithPath: options.manifests).appendingPathComponent("prices.yaml").path
        guard FileManager.default.fileExists(atPath: prices) else { throw DrillError.missing(prices) }
        folder = NSTemporaryDirectory() + "voice-drill-\(UUID().uuidString.prefix(8))"
        ports = try RigPorts.free()
        for name in ["state", "sound", "studies"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try plan.script().write(to: URL(fileURLWithPath: "\(folder)/script.json"))
        try plan.studyFile().write(toFile: "\(folder)/studies/\(plan.study).yaml", atomically: true, encoding: .utf8)
        try plan.configuration(folder: folder, prices: prices, ports: ports)
            .write(toFile: "\(folder)/voiced.yaml", atomically: true, encoding: .utf8)

        let inherited = ProcessInfo.processInfo.environment
        var environment = ["PATH": inherited["PATH"] ?? "/usr/bin:/bin", "HOME": folder]
        if let backtrace = inherited["SWIFT_BACKTRACE"] { environment["SWIFT_BACKTRACE"] = backtrace }
        environment["VOICED_TOKEN_SECRET"] = Self.tokenSecret
        environment["OPENAI_API_KEY"] = plan.provider?.key ?? "drill"
        environment["VOICED_API_KEYS"] = "drill:\(Self.apiKeyHash)"
        simulator = try ChildProcess(
            "\(binaries)/voice-sim",
            [
                "--port", "\(ports.simulator)", "--script", "\(folder)/script.json", "--log", "\(folder)/sim.jsonl",
                "--json",
            ] + (plan.keepsSound ? ["--audio-dir", "\(folder)/sound"] : []) + plan.simulatorFlags
                + (plan.simulatorKey.map { ["--api-key", $0] } ?? []), environment: environment, folder: folder,
            name: "voice-sim")
        let (place, variables) = (folder, environment)
        let start: @Sendable (String) throws -> ChildProcess = { name in
            try ChildProcess(
                "\(binaries)/voiced", ["run", "--config", "\(place)/voiced.yaml"], environment: variables,
                folder: place, name: name)
        }
        startDaemon = start
        daemons = Mutex([try start("voiced")])
        web = try ChildProcess(
            "\(binaries)/voice-web", ["--config", "\(folder)/voiced.yaml"], environment: environment, folder: folder,
            name: "voice-web")
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
        try await waitFor(daemon, port: ports.agent, "/readyz")
        // Any answer will do: the surface is there.
        try await waitFor(web, port: ports.web, "/v1/sessions/none", anyStatus: true)
        Progress.say("ready in \(folder): voice-sim \(simulator.pid), voiced \(daemon.pid), voice-web \(web.pid)")
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

    /// A study like the drill's own, with limits.
    package func save(study: String, limits: [String: Int]) async throws {
        let body = try JSONSerialization.data(withJSONObject: [
            "name": study, "language": "en", "instructions": RigPlan.instructions, "greeting": RigPlan.greeting,
            "limits": limits,
        ])
        let answer = try await http.put(
            try webAddress, "/v1/studies/\(study)", headers: Self.authorization, body: Array(body))
        guard answer.status == 200 else {
            throw DrillError.unreadable(
                "PUT /v1/studies/\(study): \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    private static var authorization: [(String, String)] { [("Authorization", "Bearer \(apiKey)")] }

    /// What an operator would type.
    package func voicectl(_ arguments: [String]) async throws -> ChildProcess.Exit? {
        let child = try ChildProcess(
            "\(binaries)/voicectl", arguments + ["--socket", "\(folder)/admin.sock"],
            environment: ["PATH": "/usr/bin:/bin", "HOME": folder], folder: folder,
            name: "voicectl-\(UUID().uuidString.prefix(8))")
        return await child.exit(within: .seconds(15))
    }

    /// Starts another daemon on the same configuration, state and ports, once the last one is gone. Returns when it is
    /// ready.
    package func restartDaemon() async throws {
        guard await daemon.exit(within: .seconds(5)) != nil else { throw DrillError.timeout("the daemon's end") }
        let number = daemons.withLock(\.count) + 1
        let started = try startDaemon("voiced-\(number)")
        daemons.withLock { $0.append(started) }
        try await waitFor(started, port: ports.agent, "/readyz")
    }

    /// Status of `/readyz`, `/livez` …; nil when nobody answers.
    package func health(_ path: String) async -> Int? {
        guard let address = try? agentAddress else { return nil }
        return try? await http.get(address, path).status
    }

    /// The body of `/health`.
    package func healthReport() async throws -> HealthReport {
        let answer = try await http.get(try agentAddress, "/health")
        return try JSONDecoder().decode(HealthReport.self, from: Data(answer.body))
    }

    package func stop() async {
        await daemon.stop()
        await web.stop()
        await simulator.stop()
        if keeps {
            Progress.say("kept: \(folder)")
        } else {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
