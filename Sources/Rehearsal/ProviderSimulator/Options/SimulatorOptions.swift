/// Everything about a simulator that a rehearsal may choose.
package struct SimulatorOptions: Sendable {
    package enum Voice: String, Sendable, CaseIterable {
        /// espeak-ng where it is installed, else the tone.
        case automatic
        /// espeak-ng or no start.
        case espeak
        /// The built-in voice-like signal.
        case tone
    }

    package var host = "127.0.0.1"
    /// 0: any free one; `start` returns it.
    package var port = 0
    /// The only key that is let in; nil: any key, but one there must be.
    package var apiKey: String?
    package var script = Script.interview
    package var voice = Voice.automatic
    /// How many times faster than it plays an answer is streamed; 0: as fast as the socket takes it.
    package var streamingSpeed = 4.0
    /// From `response.created` to the first sound; an answer of the script may have its own.
    package var firstAudioLatency = Duration.milliseconds(300)
    /// From the end of a turn to its transcript.
    package var transcriptionLatency = Duration.milliseconds(400)
    /// PCM bytes of one `response.output_audio.delta`; the default is 100 ms.
    package var deltaBytes = 4_800
    /// The vendor ends every session after this long.
    package var sessionDuration = Duration.seconds(3_600)
    /// Ids and figures that look random are drawn from this and the connection's number.
    package var seed: UInt64 = 1
    /// Threads that serve connections.
    package var threads = 1
    /// JSON lines of what happened; nil: kept in memory only.
    package var logPath: String?
    /// Where `heard-N.pcm` and `said-N-ITEM.pcm` go; nil: sound is not kept.
    package var audioFolder: String?
    /// Sound kept for `conversation.item.retrieve` in each session; older items answer without.
    package var retainedAudioBytes = 1 << 20

    /// What goes wrong on purpose, from the start on.
    package var faults: [Fault] = []

    package init() {}

    /// An append event may carry this much sound, before base64.
    package static let maximumAppendBytes = 15 << 20
    /// Longest message: the largest append in base64, with room for its envelope.
    package static let maximumMessageBytes = 24 << 20
    /// A client that sends and never reads is cut off here.
    package static let maximumUnsentBytes = 64 << 20
    package static let maximumItems = 4_096
    /// Answers that run beside the conversation (`conversation: "none"`).
    package static let maximumConcurrentResponses = 16
}

package enum SimulatorError: Error, Equatable, Sendable {
    /// The port is taken, or the host is none of this machine's. The text names the reason.
    case cannotListen(String)
    /// The log or the folder of sounds.
    case cannotWrite(path: String)
    case voiceUnavailable(String)
    /// The text says where and what.
    case invalidScript(String)
    /// The text says what is wrong with it.
    case invalidFault(String)
    case alreadyStarted
}
