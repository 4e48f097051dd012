// The messages of `voiced.v1` as values. `WireFormats` turns them into bytes; a transport without WebSocket
// (WebRTC, LiveKit) carries the same ones.

/// What a client says.
package enum ParticipantMessage: Hashable, Sendable {
    case hello(Hello)
    case played(item: String, milliseconds: Int)
    case mute(Bool)
    case leave
    case stats(ClientStats)
    case beat
}

package enum AudioFormat: String, Hashable, Sendable, Codable {
    case opus
    case pcm
}

/// First message of every connection, within 5 s.
package struct Hello: Hashable, Sendable {
    /// 1.
    package var version: Int
    /// Nil for an observer.
    package var up: AudioFormat?
    package var down: AudioFormat?
    /// Random id of this page load.
    package var client: String
    /// Name and version of the client program.
    package var agent: String
    package var resume: Resume?

    package struct Resume: Hashable, Sendable {
        package var item: String
        package var playedMilliseconds: Int
        package init(item: String, playedMilliseconds: Int) {
            self.item = item
            self.playedMilliseconds = playedMilliseconds
        }
    }

    package init(
        version: Int = 1, up: AudioFormat?, down: AudioFormat?, client: String, agent: String, resume: Resume? = nil
    ) {
        self.version = version
        self.up = up
        self.down = down
        self.client = client
        self.agent = agent
        self.resume = resume
    }
}

package struct ClientStats: Hashable, Sendable {
    package var roundTripMilliseconds: Int?
    package var microphoneDecibels: Double?
    package var underruns: Int?
    package var codec: String?
    package var device: String?
    package init(
        roundTripMilliseconds: Int? = nil, microphoneDecibels: Double? = nil, underruns: Int? = nil,
        codec: String? = nil, device: String? = nil
    ) {
        self.roundTripMilliseconds = roundTripMilliseconds
        self.microphoneDecibels = microphoneDecibels
        self.underruns = underruns
        self.codec = codec
        self.device = device
    }
}

/// What voiced says.
package enum AgentMessage: Hashable, Sendable {
    case welcome(Welcome)
    case prepared
    case state(ConversationState)
    /// Before the first frame of an utterance.
    case item(id: String, startTimestamp: UInt32)
    case flush(item: String)
    case transcript(role: Speaker, item: String, text: String, final: Bool)
    /// Uplink before `timestamp` is durable.
    case ack(timestamp: UInt32)
    case beat
    case move(token: String, url: String?, deadlineMilliseconds: Int)
    case cost(micros: Int64)
    case bye(reason: String, rejoinInMilliseconds: Int?)
    case error(code: String, message: String)
}

package struct Welcome: Hashable, Sendable {
    package var session: SessionID
    package var resumed: Bool
    package var rejoinToken: String
    package var url: String?
    package var phase: String
    package var language: String
    package var endsInMilliseconds: Int
    package var rejoinMilliseconds: Int
    /// Whenever `resumed`: the first capture time that this owner's provider was not given.
    package var resendFrom: UInt32?

    package init(
        session: SessionID, resumed: Bool, rejoinToken: String, url: String? = nil, phase: String, language: String,
        endsInMilliseconds: Int, rejoinMilliseconds: Int, resendFrom: UInt32? = nil
    ) {
        self.session = session
        self.resumed = resumed
        self.rejoinToken = rejoinToken
        self.url = url
        self.phase = phase
        self.language = language
        self.endsInMilliseconds = endsInMilliseconds
        self.rejoinMilliseconds = rejoinMilliseconds
        self.resendFrom = resendFrom
    }
}

/// What a participant's page shows of the conversation.
package enum ConversationState: String, Hashable, Sendable, Codable {
    case talking
    case listening
    case thinking
    case reconnecting
    case wrappingUp = "wrapping_up"
}

/// Header of one binary frame, either way.
package struct AudioFrameHeader: Hashable, Sendable {
    package var format: AudioFormat
    /// Restarts with each connection at a random value; compared as a serial number.
    package var sequence: UInt16
    /// 48 kHz units, mod 2^32; compared as a serial number.
    package var timestamp: UInt32

    package init(format: AudioFormat, sequence: UInt16, timestamp: UInt32) {
        self.format = format
        self.sequence = sequence
        self.timestamp = timestamp
    }
}

/// Close codes of `voiced.v1`.
package enum CloseCode: UInt16, Hashable, Sendable, CaseIterable {
    /// Ended or moved: do not return.
    case ended = 1000
    /// Going away: rejoin.
    case goingAway = 1001
    case tooBig = 1009
    /// Restart: rejoin now.
    case restart = 1012
    case tryAgainLater = 1013
    /// Protocol error; an `error` message came first.
    case protocolError = 4000
    /// Joined elsewhere: do not return.
    case joinedElsewhere = 4001
    /// Too slow, 2 s of audio queued: rejoin.
    case tooSlow = 4003
}

/// What a peer did wrong; ends that peer's connection with `CloseCode.protocolError` (or `tooBig`).
package enum ProtocolViolation: String, Error, Hashable, Sendable, CaseIterable {
    case badFrame = "bad_frame"
    case badMessage = "bad_message"
    case tooFast = "too_fast"
    case tooBig = "too_big"
    /// No `hello` within 5 s, or audio before it.
    case noHello = "no_hello"
    case version = "version"
}
