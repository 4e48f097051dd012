import DequeModule

package enum PlayoutError: Error, Hashable, Sendable {
    /// The provider has spoken more than 240 s ahead.
    case queueFull
    case tooManyItems
    /// Empty, or longer than any 20 ms packet.
    case badPacket(bytes: Int)
}

/// The agent's speech on its way to the participant: queues 20 ms packets by utterance (item), paces them by the clock,
/// keeps what is not yet known to be heard, and knows what was heard when somebody interrupts or a line breaks.
/// Leaves encoding, sending and the provider to the session.
///
/// Call `ticked` again and again until it answers nil: every 20 ms, after `append`, and after every other event here.
///
/// The model of the client's playout: a packet's play time is 20 ms after that of the one before, and not before it could
/// be sent. It is sent when its play time is at most `lead` away, so a client has 60 to 80 ms in hand, and a late tick
/// sends all that is due (catches up by debt). The client's `played` corrects the model.
package struct Playout: Sendable {
    // MARK: Limits

    package static let lead: Duration = .milliseconds(60)
    /// Packets queued and not sent: 240 s.
    package static let longestQueue = 12_000
    /// Packets sent and not confirmed: 30 s. A client says `played` every 200 ms; of one that does not, older packets
    /// count as heard.
    package static let longestUnconfirmed = 1_500
    package static let mostItems = 64
    /// How long an interruption waits for the client to say what was heard.
    package static let flushWait: Duration = .milliseconds(200)
    /// A participant who comes back within this hears the rest.
    package static let freezeLimit: Duration = .seconds(10)
    /// An utterance that nobody confirms counts as heard so long after its estimated end.
    package static let confirmationWait: Duration = .milliseconds(300)
    package static let frameMilliseconds = 20
    static let frame: Duration = .milliseconds(20)

    // MARK: Answers

    package struct Truncation: Hashable, Sendable {
        package var item: String
        package var providerItem: String
        /// 0: nothing of it was heard.
        package var heardMilliseconds: Int
        /// The client did not say; our model did.
        package var estimated: Bool

        package init(item: String, providerItem: String, heardMilliseconds: Int, estimated: Bool) {
            self.item = item
            self.providerItem = providerItem
            self.heardMilliseconds = heardMilliseconds
            self.estimated = estimated
        }
    }

    package enum OnTick: Hashable, Sendable {
        /// Tell the client that the item begins (began) at `startTimestamp`; its packets follow.
        case announce(item: String, startTimestamp: UInt32)
        case send(item: String, timestamp: UInt32, packet: [UInt8])
        /// Tell the provider that only so much was heard. The item is gone.
        case truncate(Truncation)
        /// Heard to its end. The item is gone.
        case playedOut(item: String, providerItem: String)
    }

    package enum OnAppended: Hashable, Sendable {
        case queued
        /// Not an item any more (flushed, truncated), or another one has begun since.
        case ignored
    }

    package enum OnPlayed: Hashable, Sendable {
        case noted
        /// No such item (any more).
        case ignored
    }

    // MARK: State

    enum Line: Sendable {
        /// Nobody has been here yet: what is queued waits.
        case absent
        case connected
        case frozen(since: Duration)
    }

    struct Item: Sendable {
        var id: String
        var providerItem: String
        var packets = PacketQueue()
        /// No more packets come.
        var finished = false
        /// Length of its sound where the last packet is padded, once it is known.
        var length: Int?
        /// Milliseconds confirmed as heard.
        var played = 0
        /// When it was last confirmed, on this connection.
        var playedAt: Duration?
        /// Packets ever sent, before a rewind too.
        var everSent = 0
        /// The client of this connection knows of it.
        var announced = false
        /// Play time after the last packet sent.
        var playEnd: Duration = .zero

        var sentMilliseconds: Int { min(everSent * Playout.frameMilliseconds, length ?? .max) }
        var isSent: Bool { finished && packets.unsent == 0 }
        /// By the client's word.
        var isConfirmed: Bool { isSent && played >= min(packets.end * Playout.frameMilliseconds, length ?? .max) }
    }

    /// An interrupted item whose last `played` is awaited.
    struct Flushed: Sendable {
        var id: String
        var providerItem: String
        var sentMilliseconds: Int
        var whole: Bool
        var estimate: Int
        var reported: Int?
        var reports = 0
        var deadline: Duration
    }

    var line: Line = .absent
    var items: Deque<Item> = []
    var flushed: Deque<Flushed> = []
    /// Timestamp after the last packet sent on this connection.
    var timestamp: UInt32 = 0
    var firstTimestamp: UInt32 = 0
    var connectedAt: Duration = .zero
    /// Play time of the next packet to send.
    var nextPlay: Duration = .zero
    /// There was nothing to send the last time we looked.
    var starved = true
    /// Packets queued and not sent, all items together.
    package var queuedPackets: Int {
        // By index: an element taken out is a copy of its queues, and this is asked with every packet.
        var count = 0
        for index in items.indices { count += items[index].packets.unsent }
        return count
    }

    /// Nothing is queued, playing or awaited: `ticked` has nothing to say until something happens.
    package var isIdle: Bool { items.isEmpty && flushed.isEmpty }

    /// Packets in memory: waiting, or sent and not known to be heard.
    package var keptPackets: Int { items.reduce(0) { $0 + $1.packets.end - $1.packets.first } }

    package init() {}

    // MARK: What the provider says

    /// An utterance begins; it is played after those before it, which are finished by this.
    package mutating func began(item: String, providerItem: String) throws(PlayoutError) {
        guard items.count < Self.mostItems else { throw .tooManyItems }
        for index in items.indices { items[index].finished = true }
        items.append(Item(id: item, providerItem: providerItem))
    }

    /// 20 ms of the last item that began. Throws `queueFull` at 240 s.
    package mutating func append(
        _ packet: UnsafeRawBufferPointer, to providerItem: String
    ) throws(PlayoutError) -> OnAppended {
        guard (1...PacketQueue.longestPacket).contains(packet.count) else { throw .badPacket(bytes: packet.count) }
        let last = items.endIndex - 1
        guard last >= 0, items[last].providerItem == providerItem, !items[last].finished else { return .ignored }
        guard queuedPackets < Self.longestQueue else { throw .queueFull }
        items[last].packets.append(packet)
        return .queued
    }

    /// No more packets come for it. `milliseconds`: the length of its sound, without the padding of the last packet.
    package mutating func finished(_ providerItem: String, milliseconds: Int? = nil) {
        guard let index = items.firstIndex(where: { $0.providerItem == providerItem }) else { return }
        items[index].finished = true
        if let milliseconds { items[index].length = max(0, milliseconds) }
    }

    /// The participant interrupts: nothing queued is sent any more. Answers the items that the client must be told to
    /// drop; their truncations (or `playedOut`) come from `ticked`, within 200 ms.
    package mutating func interrupted(at now: Duration) -> [String] {
        var told: [String] = []
        for item in items {
            let heard = heard(item, at: now)
            let known = item.everSent > 0
            flushed.append(
                Flushed(
                    id: item.id, providerItem: item.providerItem, sentMilliseconds: item.sentMilliseconds,
                    whole: item.isSent, estimate: heard, deadline: known ? now + Self.flushWait : now))
            if item.announced { told.append(item.id) }
        }
        items.removeAll()
        nextPlay = min(nextPlay, now)
        starved = true
        return told
    }

    // MARK: What the participant's side says

    /// The client has heard `milliseconds` of `item`; clamped to what was sent.
    @discardableResult
    package mutating func played(item id: String, milliseconds: Int, at now: Duration) -> OnPlayed {
        if let index = flushed.firstIndex(where: { $0.id == id }) {
            noteFlushed(index, max(0, milliseconds), at: now)
            return .noted
        }
        guard let index = items.firstIndex(where: { $0.id == id }) else { return .ignored }
        if milliseconds > 0 {
            for earlier in items.indices.prefix(upTo: index) where items[earlier].isSent {
                items[earlier].played = items[earlier].sentMilliseconds
            }
        }
        items[index].played = max(items[index].played, min(max(0, milliseconds), items[index].sentMilliseconds))
        items[index].playedAt = now
        items[index].packets.forget(before: items[index].played / Self.frameMilliseconds)
        return .noted
    }

    /// Of two reports after an interruption the first was on its way already; one alone may be either, so it waits.
    private mutating func noteFlushed(_ index: Int, _ milliseconds: Int, at now: Duration) {
        let heard = min(milliseconds, flushed[index].sentMilliseconds)
        flushed[index].reported = max(flushed[index].reported ?? 0, heard)
        flushed[index].reports += 1
        if flushed[index].reports >= 2 || heard >= flushed[index].sentMilliseconds {
            flushed[index].deadline = min(flushed[index].deadline, now)
        }
    }

    /// A connection is ready for audio: the first one, or one after a break (whether or not the break was noticed).
    /// `firstTimestamp`: random. `resume`: what the client says it heard before.
    package mutating func connected(at now: Duration, firstTimestamp: UInt32, resume: Hello.Resume? = nil) {
        if let resume { played(item: resume.item, milliseconds: resume.playedMilliseconds, at: now) }
        if case .frozen(let since) = line, now - since >= Self.freezeLimit { giveUpFrozen(at: now) }
        line = .connected
        connectedAt = now
        self.firstTimestamp = firstTimestamp
        timestamp = firstTimestamp
        nextPlay = now
        starved = true
        for index in items.indices {
            items[index].packets.rewind(to: items[index].played / Self.frameMilliseconds)
            items[index].announced = false
            items[index].playedAt = nil
            items[index].playEnd = now
        }
    }

    /// Nobody is there: playout stands still at the last `played`.
    package mutating func disconnected(at now: Duration) {
        guard case .connected = line else { return }
        line = .frozen(since: now)
    }
}
