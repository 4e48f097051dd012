/// One line of a conversation's journal: the only thing from which a conversation is rebuilt, and the source of
/// transcript, cost and hand-over. Key: (session, epoch, sequence); read in that order.
package struct JournalRecord: Hashable, Sendable {
    package var session: SessionID
    package var epoch: Int64
    /// From 0 in each epoch, without gaps.
    package var sequence: Int64
    /// By the store's clock when it was written; set by the store, ignored on append.
    package var at: StoreTime
    package var entry: JournalEntry

    package init(
        session: SessionID, epoch: Int64, sequence: Int64, at: StoreTime = StoreTime(milliseconds: 0),
        entry: JournalEntry
    ) {
        self.session = session
        self.epoch = epoch
        self.sequence = sequence
        self.at = at
        self.entry = entry
    }
}

package enum Speaker: String, Hashable, Sendable, Codable {
    case participant
    case agent
}

package enum JournalEntry: Hashable, Sendable {
    case turn(Turn)
    case usage(UsageEntry)
    case phase(PhaseEntry)
    case end(EndEntry)
    case note(NoteEntry)

    /// The `kind` column.
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable { case turn, usage, phase, end, note }

    package var kind: Kind {
        switch self {
        case .turn: .turn
        case .usage: .usage
        case .phase: .phase
        case .end: .end
        case .note: .note
        }
    }
}

/// Something one side said, complete.
package struct Turn: Hashable, Sendable, Codable {
    package var speaker: Speaker
    /// Our id, as in the participant's protocol.
    package var item: String
    /// Nil: the provider gave no text in time; the workers fill it in.
    package var text: String?
    /// Milliseconds since the conversation began (the first `welcome`), for readers.
    package var startMilliseconds: Int64
    package var endMilliseconds: Int64
    /// A participant's turn: its place on the capture clock of `client`, 48 kHz units mod 2^32.
    package var captureStart: UInt32?
    package var captureEnd: UInt32?
    package var client: String?
    package var phase: String?
    /// Set when the agent was interrupted: what the participant really heard of it.
    package var heardMilliseconds: Int64?

    package init(
        speaker: Speaker, item: String, text: String?, startMilliseconds: Int64, endMilliseconds: Int64,
        captureStart: UInt32? = nil, captureEnd: UInt32? = nil, client: String? = nil, phase: String? = nil,
        heardMilliseconds: Int64? = nil
    ) {
        self.speaker = speaker
        self.item = item
        self.text = text
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.captureStart = captureStart
        self.captureEnd = captureEnd
        self.client = client
        self.phase = phase
        self.heardMilliseconds = heardMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case speaker, item, text, client, phase
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case captureStart = "capture_start"
        case captureEnd = "capture_end"
        case heardMilliseconds = "heard_ms"
    }
}

/// Money spent. Unique by `response` over the whole store.
package struct UsageEntry: Hashable, Sendable, Codable {
    package var provider: String
    package var model: String
    /// The provider's response id, or its item id for an input transcription.
    package var response: String
    package var usage: Usage
    package var micros: Int64
    /// The provider died before it said what it used; charged by seconds of audio.
    package var estimated: Bool

    package init(provider: String, model: String, response: String, usage: Usage, micros: Int64, estimated: Bool) {
        self.provider = provider
        self.model = model
        self.response = response
        self.usage = usage
        self.micros = micros
        self.estimated = estimated
    }
}

package struct PhaseEntry: Hashable, Sendable, Codable {
    package var phase: String
    package init(phase: String) { self.phase = phase }
}

package struct EndEntry: Hashable, Sendable, Codable {
    package var reason: CompletionReason
    package var detail: String?
    package init(reason: CompletionReason, detail: String? = nil) {
        self.reason = reason
        self.detail = detail
    }
}

/// Something an operator or a later owner needs to know; no speech.
package struct NoteEntry: Hashable, Sendable, Codable {
    package var what: String
    package init(what: String) { self.what = what }
}
