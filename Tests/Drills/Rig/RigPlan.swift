import Foundation
import ParticipantLoad

/// How the processes of a drill are set up.
struct RigPlan: Sendable {
    /// What the simulated model says: greeting, then one answer for each turn of the participant.
    struct Conversation: Sendable {
        var greeting: String
        var answers: [String]
        /// What the participant's turns are transcribed as.
        var participant: [String]
        /// The last answer calls `end_interview`.
        var ends: Bool
        /// Answer N is given to the participant's turn N, so that a turn answered twice shows; else one after the other.
        var answersByTurn = false
    }

    var conversation: Conversation
    var drainTimeout = "300s"
    var drainSettle = "0s"
    var encoder = VoiceEncoderSettings(application: .restrictedLowDelay, complexity: 3, bitsPerSecond: 40_000)
    /// Conversations on each of the two loops.
    var seatsPerLoop = 100
    /// The simulator writes down every sample that it heard and said: too much for crowds.
    var keepsSound = true
    /// `debug` tells what a drill's failure needs, `info` what an operator reads.
    var logLevel = "debug"
    let model = "gpt-realtime-2.1"
    /// Billed by tokens of which every price is stated.
    let transcriptionModel = "gpt-4o-mini-transcribe"
    let study = "drill"
    /// The only key that the simulator lets in; nil: any, also the daemon's.
    var simulatorKey: String?
    static let instructions =
        "You interview one person about an ordinary day. When you are done, call end_interview."
    static let greeting = "Greet the person and ask how they are."

    /// The simulator's script.
    func script() throws -> Data {
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

    func studyFile() -> String {
        """
        name: Drill
        language: en
        instructions: \(Self.instructions)
        greeting: \(Self.greeting)
        """
    }

    func configuration(folder: String, prices: String, ports: RigPorts) -> String {
        """
        agent: {host: 127.0.0.1, port: \(ports.agent)}
        media: {host: 127.0.0.1, port: \(ports.media), public_url: "ws://127.0.0.1:\(ports.media)"}
        metrics: {host: 127.0.0.1, port: \(ports.metrics)}
        web: {host: 127.0.0.1, port: \(ports.web), public_url: "http://127.0.0.1:\(ports.web)"}
        admin: {socket: \(folder)/admin.sock}
        state: {folder: \(folder)/state}
        loops: 2
        capacity: {per_loop: \(seatsPerLoop)}
        drain: {timeout: \(drainTimeout), settle: \(drainSettle), strategy: finish}
        providers:
          openai:
            base_url: "ws://127.0.0.1:\(ports.simulator)/v1"
            model: \(model)
            transcription_model: \(transcriptionModel)
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

struct RigPorts: Sendable {
    var agent = 0
    var media = 0
    var metrics = 0
    var web = 0
    var simulator = 0

    static func free() throws -> RigPorts {
        let found = try FreePorts.take(5)
        return RigPorts(agent: found[0], media: found[1], metrics: found[2], web: found[3], simulator: found[4])
    }
}
