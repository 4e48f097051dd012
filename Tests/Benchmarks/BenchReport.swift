import Foundation
import ParticipantLoad

/// The object that `make bench` prints. A figure that was not measured is not in it.
struct BenchReport: Encodable {
    /// Milliseconds per session and second that a floor of this encoder mode takes on a quiet core of the machine the
    /// targets were set on, times the tolerance: a dearer floor means that something else was running.
    static let dearestFloor = 1.2 * 6.1
    /// Both halves must carry the same load, or their ratio says nothing.
    static let shareTolerance = 0.1
    /// What the script and the recordings amount to when participants and simulator keep up.
    static let usualAgentShare = 0.4...0.7
    static let leastMicrophoneShare = 0.97

    let cpuRatio: Double
    let cpu: Double
    let floor: Double
    let sessions: Int
    let windowSeconds: Double
    let memoryPerSession: Int
    let floorMemoryPerSession: Int
    let lateP50: Int
    let lateP99: Int
    let framesOverOneFrameLate: Int
    let floorLateP99: Int
    let joinP99: Double
    let firstVoiceP99: Double
    let turnP95: Double
    let agentShare: Double
    let floorAgentShare: Double
    let microphoneShare: Double
    let coreShare: Double
    let failed: Int
    let missing: Int
    let underruns: Int
    let loadAverage: Double
    let pinned: Bool
    let isVoid: Bool
    let reason: String?

    enum CodingKeys: String, CodingKey {
        case sessions, failed, missing, underruns, pinned, reason
        case cpuRatio = "cpu_ratio"
        case cpu = "cpu_ms_per_session_second"
        case floor = "floor_ms_per_session_second"
        case windowSeconds = "window_s"
        case memoryPerSession = "memory_per_session_bytes"
        case floorMemoryPerSession = "floor_memory_per_session_bytes"
        case lateP50 = "late_p50_ms"
        case lateP99 = "late_p99_ms"
        case framesOverOneFrameLate = "late_over_20_ms"
        case floorLateP99 = "floor_late_p99_ms"
        case joinP99 = "join_p99_ms"
        case firstVoiceP99 = "first_voice_p99_ms"
        case turnP95 = "turn_p95_ms"
        case agentShare = "agent_share"
        case floorAgentShare = "floor_agent_share"
        case microphoneShare = "microphone_share"
        case coreShare = "core_share"
        case loadAverage = "load_average"
        case isVoid = "void"
    }

    init(floor floorResult: Stage.Result, voiced: Stage.Result, cores: Cores) {
        let window = voiced.window
        let floorWindow = floorResult.window
        let summary = voiced.summary
        cpu = window.millisecondsPerSessionSecond
        floor = floorWindow.millisecondsPerSessionSecond
        cpuRatio = floor > 0 ? cpu / floor : 0
        sessions = window.sessions
        windowSeconds = window.length / .seconds(1)
        memoryPerSession = window.memoryPerSession
        floorMemoryPerSession = floorWindow.memoryPerSession
        lateP50 = summary.late.p50
        lateP99 = summary.late.p99
        framesOverOneFrameLate = summary.late.overOneFrame
        floorLateP99 = floorResult.summary.late.p99
        joinP99 = summary.join.p99
        firstVoiceP99 = summary.firstVoice.p99
        turnP95 = summary.turn.p95
        agentShare = window.agentShare
        floorAgentShare = floorWindow.agentShare
        microphoneShare = window.microphoneShare
        coreShare = window.cpu / window.length
        failed = summary.failed + floorResult.summary.failed
        missing = summary.missing
        underruns = summary.underruns
        loadAverage = ProcessUsage.loadAverage
        pinned = cores.arePinned
        reason = Self.whyVoid(floor, floorWindow, window, failed: failed)
        isVoid = reason != nil
    }

    private static func whyVoid(_ floor: Double, _ floorWindow: Window, _ window: Window, failed: Int) -> String? {
        if floor > dearestFloor {
            return "the floor took more than \(rounded(dearestFloor)) ms: the machine is busy with something else, or "
                + "slower than the one the targets were set on"
        }
        for half in [floorWindow, window]
        where !usualAgentShare.contains(half.agentShare) || half.microphoneShare < leastMicrophoneShare {
            return "participants or simulator could not keep up: the machine is busy with something else"
        }
        if abs(window.agentShare - floorWindow.agentShare) > shareTolerance * floorWindow.agentShare {
            return "the agent did not speak equally much in both halves"
        }
        if failed > 0 { return "\(failed) participants failed" }
        return nil
    }

    /// One line, numbers to three places.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let plain = try encoder.encode(self)
        guard let members = try JSONSerialization.jsonObject(with: plain) as? [String: Any] else {
            throw BenchError.unreadable("the report")
        }
        let short = members.mapValues { value -> Any in
            guard let number = value as? Double, number != number.rounded() else { return value }
            return NSDecimalNumber(string: String(format: "%.3f", number))
        }
        let bytes = try JSONSerialization.data(withJSONObject: short, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
