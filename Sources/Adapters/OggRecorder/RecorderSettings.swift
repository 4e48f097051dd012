import InterviewCore

/// Where and how conversations are recorded.
package struct RecorderSettings: Sendable, Hashable {
    /// Parts are `<folder>/<session>/<epoch>-<part>.ogg` until they are delivered. Made when it is missing (0700).
    package var folder: String
    /// How often what was gathered goes to the writer's thread and into the files; a kill loses no more than this.
    package var interval: Duration
    /// Pre-skip of the participant's track. We cannot know their encoder; 312 (6.5 ms) is libopus' own delay in every
    /// mode but the restricted one, and what browsers have.
    package var participantPreSkip: UInt16
    /// Pre-skip of the agent's track: our encoder's look-ahead (120 for RESTRICTED_LOWDELAY, 312 else).
    package var agentPreSkip: UInt16

    package init(
        folder: String, interval: Duration = .seconds(1), participantPreSkip: UInt16 = 312, agentPreSkip: UInt16 = 120
    ) {
        self.folder = folder
        self.interval = interval
        self.participantPreSkip = participantPreSkip
        self.agentPreSkip = agentPreSkip
    }

    // MARK: Limits

    /// Gathered bytes that are handed over at once, without waiting for the interval.
    package static let handOverBytes = 64 * 1_024
    /// Gathered bytes of one recording; when the writer is so far behind (a disk that hangs), what comes is lost and the
    /// recording counts as failed. Over two minutes of conversation.
    package static let mostBytes = 1_024 * 1_024
    /// Parts of at most a minute: a new one begins with the first packet after this, and what began before still ends in
    /// the old one (a packet has up to 120 ms).
    package static let partUnits: Int64 = 60 * AudioUnits.perSecond - 200 * AudioUnits.perMillisecond
    /// A packet that begins so shortly after a part's end begins the next part by itself.
    package static let edgeUnits: Int64 = 60 * AudioUnits.perMillisecond
    /// Parts open at once. A track may be behind the other by what a client keeps for sending again (10 minutes).
    package static let mostOpenParts = 12
    /// Longer stretches without any packet are not written as silence; the next part says where it begins.
    package static let longestSilence: Int64 = 600 * AudioUnits.perSecond
}

/// The two tracks, in the order of their streams.
package enum RecordedTrack: UInt8, Sendable, Hashable, CaseIterable {
    case participant = 0
    case agent = 1

    var index: Int { Int(rawValue) }
    var name: String { self == .participant ? "participant" : "agent" }
}
