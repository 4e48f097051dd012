import InterviewCore

/// What one participant sent, heard and went through. All times are since it began.
package struct ParticipantReport: Sendable {
    package struct Uplink: Sendable {
        /// 0 for the first connection that was welcomed.
        package var connection: Int
        package var sequence: UInt16
        package var timestamp: UInt32
        package var source: FrameSource
    }

    package struct Capture: Sendable {
        package var timestamp: UInt32
        package var source: FrameSource
    }

    package struct Downlink: Sendable {
        package var connection: Int
        package var item: String?
        package var sequence: UInt16
        package var timestamp: UInt32
        package var at: Duration
        package var payload: [UInt8]
    }

    package struct Transcript: Sendable, Hashable {
        package var role: Speaker
        package var item: String
        package var text: String
        package var final: Bool
    }

    package struct Resend: Sendable, Hashable {
        package var resumed: Bool
        package var from: UInt32?
        /// Kept frames that went again or still had to go.
        package var frames: Int
    }

    package var session: String
    package var outcome: ParticipantOutcome?
    /// First attempt → first `welcome`.
    package var joinTook: Duration?
    /// First attempt → first refusal (an HTTP answer instead of an upgrade).
    package var refusedAfter: Duration?
    /// First `welcome` → first agent frame, both as received.
    package var firstVoice: Duration?
    /// First `welcome` → the end, as this client saw it.
    package var lasted: Duration?
    /// Connections that were welcomed.
    package var connections = 0
    package var refusals = 0
    package var framesSent = 0
    package var framesSentAgain = 0
    package var bytesSent = 0
    /// Captured and dropped at the 10-minute limit of the memory.
    package var framesForgotten = 0
    package var down = DownlinkRecord()
    /// End of the participant's utterance as sent → first frame of the answer as received.
    package var turnLatencies: [Duration] = []
    package var unanswered = 0
    package var underruns = 0
    package var played = 0
    package var roundTrip: Duration?
    /// How often each close code came; 0 stands for none.
    package var closeCodes: [Int: Int] = [:]
    /// `error` messages, refusals and failures of the line by their code.
    package var errors: [String: Int] = [:]
    package var byes: [String] = []
    package var lastRejoinIn: Duration?
    package var states: [ConversationState] = []
    /// By item, in order of first appearance; the latest text of each.
    package var transcripts: [Transcript] = []
    package var acknowledgements = 0
    package var unknownMessages = 0
    package var malformedMessages = 0
    package var resends: [Resend] = []
    /// From the loss of a line to the `welcome` of the next.
    package var rejoinsTook: [Duration] = []
    package var captured: [Capture] = []
    package var sent: [Uplink] = []
    package var received: [Downlink] = []

    /// Bounds of the lists above, for runs of any length.
    package static let mostEntries = 10_000

    package init(session: String) { self.session = session }

    mutating func note(error code: String) {
        // A peer may invent codes; beyond a hundred they are one.
        let key = errors[code] != nil || errors.count < 100 ? code : "other"
        errors[key, default: 0] += 1
    }

    mutating func note(_ transcript: Transcript) {
        if let known = transcripts.lastIndex(where: { $0.item == transcript.item && $0.role == transcript.role }) {
            transcripts[known] = transcript
        } else if transcripts.count < Self.mostEntries {
            transcripts.append(transcript)
        }
    }
}
