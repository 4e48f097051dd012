import InterviewCore

/// How one participant joins and behaves.
package struct ParticipantSettings: Sendable {
    package var session: String
    package var token: String
    /// The general address.
    package var address: Address
    package var up: AudioFormat
    package var down: AudioFormat
    package var style: TalkStyle
    /// Decides all chance of this participant.
    package var seed: UInt64
    /// The clip it begins with.
    package var firstClip = 0
    /// First uplink sequence number of the first connection; nil: random, as the protocol wants it.
    package var firstSequence: UInt16?
    /// First capture time; nil: random.
    package var firstTimestamp: UInt32?
    /// The id of this page life; nil: by chance, as the protocol wants it.
    package var client: String?
    /// How long the first `welcome` may take, refusals and attempts included.
    package var joinPatience: Duration = .seconds(10)
    /// The token in `Authorization`; else as a subprotocol, the way a browser must do it.
    package var tokenInHeader = true
    /// Follow `welcome.url` on a rejoin.
    package var followsOwnerAddress = true
    /// Keep every packet up and down in the report: for comparisons, not for load.
    package var keepsPackets = false
    /// A client that breaks the protocol: at a loss of the line it forgets what was captured and not acknowledged. The
    /// sabotage of a rehearsal that watches for lost words.
    package var forgetsOnLoss = false
    /// Keep every frame captured in the report, sent or not: for comparisons, not for load.
    package var keepsCapture = false

    package init(
        session: String, token: String, address: Address, up: AudioFormat = .opus, down: AudioFormat = .opus,
        style: TalkStyle = .turns(TurnHabits()), seed: UInt64
    ) {
        self.session = session
        self.token = token
        self.address = address
        self.up = up
        self.down = down
        self.style = style
        self.seed = seed
    }
}
