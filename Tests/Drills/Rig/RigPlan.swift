import Foundation
import ParticipantLoad
import TestKit

/// How the processes of a drill are set up.
package struct RigPlan: Sendable {
    /// What the simulated model says: greeting, then one answer for each turn of the participant.
    package struct Conversation: Sendable {
        package var greeting: String
        package var answers: [String]
        /// What the participant's turns are transcribed as.
        package var participant: [String]
        /// The last answer calls `end_interview`.
        package var ends: Bool
        /// Answer N is given to the participant's turn N, so that a turn answered twice shows; else one after the other.
        package var answersByTurn = false

        package init(
            greeting: String, answers: [String], participant: [String], ends: Bool, answersByTurn: Bool = false
        ) {
            self.greeting = greeting
            self.answers = answers
            self.participant = participant
            self.ends = ends
            self.answersByTurn = answersByTurn
        }
    }

    package enum Storage: String, Sendable, CaseIterable {
        /// One file, also for several daemons.
        case sqlite
        /// A server of the drill's own, behind PgBouncer.
        case postgres
    }

    package var conversation: Conversation
    /// How many; several stand behind a HAProxy.
    package var daemons = 1
    package var storage = Storage.sqlite
    /// Each daemon sees its database through gates of its own, which the drill can shut.
    package var gated = false
    /// Settings of the PostgreSQL server.
    package var serverSettings: [String: String] = [:]
    /// More of the daemons' environment.
    package var environment: [String: String] = [:]
    /// Another build of voiced than the one beside this program.
    package var daemonProgram: String?
    package var drainTimeout = "300s"
    package var drainSettle = "0s"
    package var encoder = VoiceEncoderSettings(application: .restrictedLowDelay, complexity: 3, bitsPerSecond: 40_000)
    /// Conversations on each of the two loops.
    package var seatsPerLoop = 100
    /// The simulator writes down every sample that it heard and said: too much for crowds.
    package var keepsSound = true
    /// `debug` tells what a drill's failure needs, `info` what an operator reads.
    package var logLevel = "debug"
    package let model = "gpt-realtime-2.1"
    /// Billed by tokens of which every price is stated.
    package let transcriptionModel = "gpt-4o-mini-transcribe"
    package let study = "drill"
    /// Connections that the daemon keeps ready. None, so that each connection is a call's.
    package var prewarm = 0
    package var prewarmMaxAge = "10m"
    package var reopenAfter = "55m"
    package var sessionLimit = "60m"
    /// Somebody else than the simulator speaks: base URL and key.
    package var provider: (url: String, key: String)?
    /// What one call may cost, in micro-dollars; nil: the daemon's default.
    package var sessionBudgetMicros: Int?
    package var maxOutputTokens = 4_096
    /// More of the simulator's flags.
    package var simulatorFlags: [String] = []
    /// The only key that the simulator lets in; nil: any, also the daemon's.
    package var simulatorKey: String?
    package static let instructions =
        "You interview one person about an ordinary day. When you are done, call end_interview."
    package static let greeting = "Greet the person and ask how they are."

    package init(conversation: Conversation) { self.conversation = conversation }

    /// The simulator's script.
    package func script() throws -> Data {
        var answers: [Any] = conversation.answers
        if conversation.ends, let last = conversation.answers.last {
            answers[answers.count - 1] = [
                "text": last, "tool": ["name": "end_interview", "arguments": [String: String]()],
            ]
        }
        return try JSONSerialization.data(withJSONObject: [
            "greeting": conversation.greeting, "answers": answers, "user_transcripts": conversation.participant,
            "after_last": "repeat_last", "answers_by": conversation.answersByTurn ? "turn" : "answer",
        ])
    }

    package func studyFile() -> String {
        """
        name: Drill
        language: en
        instructions: \(Self.instructions)
        greeting: \(Self.greeting)
        """
    }

    /// `number`: the daemon's, from 1. The database's addresses come by the environment.
    package func configuration(folder: String, prices: String, ports: RigPorts, number: Int) -> String {
        """
        agent: {host: 127.0.0.1, port: \(ports.agent)}
        media: {host: 127.0.0.1, port: \(ports.media), public_url: "ws://127.0.0.1:\(ports.front)"}
        metrics: {host: 127.0.0.1, port: \(ports.metrics)}
        web: {host: 127.0.0.1, port: \(ports.web), metrics_port: 0, public_url: "http://127.0.0.1:\(ports.web)"}
        admin: {socket: \(folder)/\(DaemonSlot.name("admin", number)).sock}
        state: {folder: \(folder)/\(DaemonSlot.name("state", number))}
        \(storage == .sqlite && number > 1 ? "store: {sqlite: {file: \(folder)/state/voiced.db}}" : "")
        loops: 2
        capacity: {per_loop: \(seatsPerLoop)}
        \(sessionBudgetMicros.map { "limits: {session_budget_micros: \($0)}" } ?? "")
        drain: {timeout: \(drainTimeout), settle: \(drainSettle), strategy: finish}
        providers:
          openai:
            base_url: "\(provider?.url ?? "ws://127.0.0.1:\(ports.simulator)/v1")"
            model: \(model)
            transcription_model: \(transcriptionModel)
            max_output_tokens: \(maxOutputTokens)
            reopen_after: \(reopenAfter)
            session_limit: \(sessionLimit)
        prewarm: {size: \(prewarm), max_age: \(prewarmMaxAge)}
        audio:
          encoder:
            application: \(encoder.application.rawValue)
            complexity: \(encoder.complexity)
            bitrate: \(encoder.bitsPerSecond)
        studies: {folder: \(folder)/studies}
        prices: {file: \(prices)}
        log: {level: \(logLevel), format: json}
        """
    }
}

package struct RigPorts: Sendable {
    package var agent = 0
    package var media = 0
    package var metrics = 0
    package var web = 0
    package var simulator = 0
    /// Where participants come in: the media port of a single daemon, else the HAProxy's.
    package var front = 0

    /// One for each daemon: they share web, simulator and front.
    package static func free(daemons: Int) throws -> [RigPorts] {
        let found = try FreePorts.take(3 + 3 * daemons)
        return (0..<daemons).map { index in
            let own = found[(3 + 3 * index)...]
            return RigPorts(
                agent: own[own.startIndex], media: own[own.startIndex + 1], metrics: own[own.startIndex + 2],
                web: found[0], simulator: found[1], front: daemons == 1 ? own[own.startIndex + 1] : found[2])
        }
    }
}
