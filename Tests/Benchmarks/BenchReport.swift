import Foundation
import ParticipantLoad

/// The object that `make bench` prints. A figure that was not measured is not in it.
struct BenchReport {
    /// Milliseconds per session and second that a floor of this encoder mode takes on a quiet core of the machine the
    /// targets were set on, times the tolerance: a dearer floor means that something else was running.
    static let dearestFloor = 1.2 * 6.1
    /// Both halves must carry the same load, or their ratio says nothing.
    static let shareTolerance = 0.1
    /// What the script and the recordings amount to when participants and simulator keep up.
    static let usualAgentShare = 0.4...0.7
    static let leastMicrophoneShare = 0.97
    /// A monologue that is shorter was not what was to be measured.
    static let leastAnswer: Duration = .seconds(28)

    private var members: [String: Any] = [:]
    private var reasons: [String] = []

    init(cores: Cores) { members["pinned"] = cores.arePinned }

    // MARK: Parts

    mutating func add(floor: Cost, voiced: Cost) {
        let own = voiced.window.millisecondsPerSessionSecond
        let least = floor.window.millisecondsPerSessionSecond
        let failed = voiced.summary.failed + floor.summary.failed
        merge([
            "cpu_ratio": least > 0 ? own / least : 0,
            "cpu_ms_per_session_second": own,
            "floor_ms_per_session_second": least,
            "sessions": voiced.window.sessions,
            "window_s": voiced.window.length / .seconds(1),
            "core_share": voiced.window.cpu / voiced.window.length,
            "talking_memory_per_session_bytes": voiced.window.memoryPerSession,
            "floor_memory_per_session_bytes": floor.window.memoryPerSession,
            "late_p50_ms": voiced.summary.late.p50,
            "late_p99_ms": voiced.summary.late.p99,
            "late_over_20_ms": voiced.summary.late.overOneFrame,
            "floor_late_p99_ms": floor.summary.late.p99,
            "welcome_p99_ms": voiced.summary.join.p99,
            "first_voice_p99_ms": voiced.summary.firstVoice.p99,
            "turn_p95_ms": voiced.summary.turn.p95,
            "agent_share": voiced.window.agentShare,
            "floor_agent_share": floor.window.agentShare,
            "microphone_share": voiced.window.microphoneShare,
            "failed": failed,
            "missing": voiced.summary.missing,
            "underruns": voiced.summary.underruns,
        ])
        if let why = Self.whyVoid(least, floor.window, voiced.window, failed: failed) { reasons.append(why) }
    }

    mutating func add(_ memory: AnswerMemory) {
        merge([
            "memory_per_session_bytes": memory.bytesPerSession, "memory_answer_s": memory.answer / .seconds(1),
        ])
        if memory.answer < Self.leastAnswer { reasons.append("the long answer was cut short") }
    }

    mutating func add(_ staircase: Staircase) {
        members["sessions_on_one_core"] = staircase.best?.sessions ?? 0
        if let best = staircase.best {
            merge([
                "sessions_on_one_core_p95_added_ms": best.p95, "sessions_on_one_core_p99_added_ms": best.p99,
                "sessions_on_one_core_share": best.coreShare,
            ])
        }
        if let half = staircase.half {
            merge([
                "added_sessions": half.sessions, "added_up_p99_ms": half.up.p99, "added_down_p99_ms": half.down.p99,
            ])
        }
        if let join = staircase.joinP99 { members["join_p99_ms"] = join }
        if let failure = staircase.failure { members["sessions_on_one_core_limit"] = failure }
        if staircase.isIncomplete { reasons.append("the capture has gaps") }
    }

    private mutating func merge(_ new: [String: Any]) { members.merge(new) { _, new in new } }

    // MARK: Judging

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
        var whole = members
        whole["load_average"] = ProcessUsage.loadAverage
        whole["void"] = !reasons.isEmpty
        if !reasons.isEmpty { whole["reason"] = reasons.joined(separator: "; ") }
        let short = whole.mapValues { value -> Any in
            guard let number = value as? Double else { return value }
            guard number.isFinite else { return "none" }
            return number == number.rounded() ? Int(number) : NSDecimalNumber(string: String(format: "%.3f", number))
        }
        let bytes = try JSONSerialization.data(withJSONObject: short, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
