import Foundation
import NIOPosix
import ParticipantLoad

/// A simulator, the program that is measured, and the plan for participants who are the same each time.
struct Stage: Sendable {
    enum Subject: String, Sendable {
        case floor
        case voiced
    }

    /// What the agent says, over and over.
    enum Speech: Sendable {
        /// Six to seven seconds.
        case answers
        /// Half a minute, at once.
        case monologue
    }

    /// The programs while they run.
    struct Scene: Sendable {
        let subject: ChildProcess
        let simulator: ChildProcess
        let ports: Ports
    }

    let subject: Subject
    /// Most conversations at a time.
    let sessions: Int
    var speech = Speech.answers
    let binaries: String
    let prices: String
    let cores: Cores
    let folder: String

    private static let readyWithin: Duration = .seconds(20)
    private static let apiKey = "bench-key-0123456789abcdef"
    /// `printf %s bench-key-0123456789abcdef | sha256sum`
    private static let apiKeyHash = "95ab1ab43a1c769ff93ba02eec3f4f81c077398c1691a00ae8628abd43901779"
    private static let study = "bench"
    /// Quick to answer, so that the agent speaks about half of the time.
    private static let habits = TurnHabits(thinkMilliseconds: 100...300)

    struct Ports: Sendable {
        var simulator = 0
        var media = 0
        var agent = 0
        var metrics = 0
        var web = 0
    }

    /// Starts the programs, and ends them when `body` has returned.
    func perform<Result: Sendable>(_ body: (Scene) async throws -> Result) async throws -> Result {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try script().write(to: URL(fileURLWithPath: "\(folder)/script.json"))
        let found = try FreePorts.take(5)
        let ports = Ports(simulator: found[0], media: found[1], agent: found[2], metrics: found[3], web: found[4])
        let simulator = try start(
            "voice-sim", ["--port", "\(ports.simulator)", "--script", "\(folder)/script.json"], Cores.rest)
        var children = [simulator]
        let outcome: Swift.Result<Result, any Error>
        do {
            try await waitFor(simulator, port: ports.simulator, "/sim/health")
            let measured = try await startSubject(ports, &children)
            do {
                outcome = .success(try await body(Scene(subject: measured, simulator: simulator, ports: ports)))
            } catch {
                throw BenchError.failed("\(subject.rawValue): \(error)\n\(measured.lastLines)")
            }
        } catch {
            outcome = .failure(error)
        }
        for child in children.reversed() { await child.stop() }
        return try outcome.get()
    }

    /// `count` conversations, joining within `ramp`, for `length` from the first join on.
    func plan(_ ports: Ports, count: Int, ramp: Duration, length: Duration, seed: UInt64 = 1) throws -> LoadPlan {
        let media = try Address("ws://127.0.0.1:\(ports.media)")
        let source: LoadPlan.Source =
            switch subject {
            case .floor:
                .tickets((0..<count).map { JoinTicket(id: "floor-\($0)", token: "floor", media: media) })
            case .voiced:
                .create(web: try Address("http://127.0.0.1:\(ports.web)"), study: Self.study, apiKey: Self.apiKey)
            }
        return LoadPlan(
            source: source, sessions: count, duration: length, ramp: ramp, style: .turns(Self.habits), seed: seed)
    }

    // MARK: Programs

    private func startSubject(_ ports: Ports, _ children: inout [ChildProcess]) async throws -> ChildProcess {
        switch subject {
        case .floor:
            let floor = try start(
                "voice-bench", ["floor", "--port", "\(ports.media)", "--simulator", "\(ports.simulator)"], Cores.subject
            )
            children.append(floor)
            try await waitFor(floor, port: ports.media, nil)
            return floor
        case .voiced:
            try writeFiles(ports)
            let configuration = ["--config", "\(folder)/voiced.yaml"]
            let daemon = try start("voiced", ["run"] + configuration, Cores.subject)
            children.append(daemon)
            try await waitFor(daemon, port: ports.agent, "/readyz")
            let web = try start("voice-web", configuration, Cores.rest)
            children.append(web)
            try await waitFor(web, port: ports.web, "/v1/sessions/none", anyStatus: true)
            return daemon
        }
    }

    private func start(_ name: String, _ arguments: [String], _ core: Int) throws -> ChildProcess {
        let inherited = ProcessInfo.processInfo.environment
        let environment = [
            "PATH": inherited["PATH"] ?? "/usr/bin:/bin", "HOME": folder,
            "VOICED_TOKEN_SECRET": String(repeating: "5ec2e7", count: 12), "OPENAI_API_KEY": "bench",
            "VOICED_API_KEYS": "bench:\(Self.apiKeyHash)",
        ]
        return try ChildProcess(
            cores.command("\(binaries)/\(name)", arguments, on: core), environment: environment, folder: folder,
            name: name)
    }

    /// Without a path: until somebody listens.
    private func waitFor(
        _ child: ChildProcess, port: Int, _ path: String?, anyStatus: Bool = false
    ) async throws {
        let http = HTTPRequester(group: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(3))
        let address = try Address("http://127.0.0.1:\(port)")
        let deadline = ContinuousClock.now + Self.readyWithin
        while ContinuousClock.now < deadline, child.ended == nil {
            if let path {
                if let answer = try? await http.get(address, path), anyStatus || answer.status == 200 { return }
            } else if Self.listens(port) {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchError.notReady("\(child.name)\n\(child.lastLines)")
    }

    private static func listens(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(clamping: port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    // MARK: Files

    private func script() throws -> Data {
        let greeting: String
        switch speech {
        case .answers: greeting = "Hello, and thank you for taking part in this interview. How are you today?"
        case .monologue: greeting = Self.answers.joined(separator: " ") + " " + Self.answers.joined(separator: " ")
        }
        return try JSONSerialization.data(withJSONObject: [
            "greeting": greeting, "answers": Self.answers, "after_last": "start_again",
        ])
    }

    private static let answers = [
        "Thank you. Please tell me about an ordinary day of yours, from morning to late evening, and please leave "
            + "nothing out.",
        "I see. Which part of that day do you enjoy most, and why is it that part? There are no right or wrong "
            + "answers.",
        "That is interesting. What would you change about it if you could, and what would then become of all the "
            + "other things?",
    ]

    private func writeFiles(_ ports: Ports) throws {
        for name in ["state", "studies"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try """
        name: Bench
        language: en
        instructions: You interview one person about an ordinary day.
        greeting: Greet the person and ask how they are.
        """.write(toFile: "\(folder)/studies/\(Self.study).yaml", atomically: true, encoding: .utf8)
        try configuration(ports).write(toFile: "\(folder)/voiced.yaml", atomically: true, encoding: .utf8)
    }

    /// One loop, as the floor has; the encoder's mode is the default of both.
    private func configuration(_ ports: Ports) -> String {
        """
        agent: {host: 127.0.0.1, port: \(ports.agent)}
        media: {host: 127.0.0.1, port: \(ports.media), public_url: "ws://127.0.0.1:\(ports.media)"}
        metrics: {host: 127.0.0.1, port: \(ports.metrics)}
        web: {host: 127.0.0.1, port: \(ports.web), metrics_port: 0, public_url: "http://127.0.0.1:\(ports.web)"}
        admin: {socket: \(folder)/admin.sock}
        state: {folder: \(folder)/state}
        loops: 1
        capacity: {per_loop: \(sessions + 20)}
        drain: {timeout: 1s, settle: 0s}
        providers:
          openai:
            base_url: "ws://127.0.0.1:\(ports.simulator)/v1"
            model: gpt-realtime-2.1
            transcription_model: gpt-4o-mini-transcribe
        audio:
          encoder: {application: restricted_lowdelay, complexity: 5, bitrate: 48000}
        studies: {folder: \(folder)/studies}
        prices: {file: \(prices)}
        log: {level: info, format: json}
        """
    }
}
