import DequeModule

extension Playout {
    /// What is due now, one thing at a time; nil: nothing (more).
    package mutating func ticked(at now: Duration) -> OnTick? {
        if !flushed.isEmpty, let index = flushed.firstIndex(where: { $0.deadline <= now }) {
            return settle(flushed.remove(at: index))
        }
        switch line {
        case .absent: return nil
        case .frozen(let since):
            guard now - since >= Self.freezeLimit, !items.isEmpty else { return nil }
            giveUpFrozen(at: now)
            return ticked(at: now)
        case .connected: break
        }
        if !items.isEmpty, items[0].isSent, isHeardOut(items[0], at: now) {
            let first = items.removeFirst()
            return .playedOut(item: first.id, providerItem: first.providerItem)
        }
        return nextPacket(at: now)
    }

    /// The first item that has something to send, if all before it have been sent.
    private mutating func nextPacket(at now: Duration) -> OnTick? {
        guard let index = items.indices.first(where: { !items[$0].isSent }), items[index].packets.unsent > 0 else {
            starved = true
            return nil
        }
        if starved {
            nextPlay = max(nextPlay, now)
            starved = false
        }
        if !items[index].announced { return announce(index) }
        guard nextPlay <= now + Self.lead, let packet = items[index].packets.next() else { return nil }
        let sent = timestamp
        timestamp &+= UInt32(AudioUnits.perFrame)
        nextPlay += Self.frame
        noteSent(index)
        return .send(item: items[index].id, timestamp: sent, packet: packet)
    }

    private mutating func announce(_ index: Int) -> OnTick {
        items[index].announced = true
        // Timestamps follow the clock from item to item, and never go back.
        let present = firstTimestamp &+ UInt32(truncatingIfNeeded: AudioUnits.units(in: nextPlay - connectedAt))
        if SerialNumber.isAfter(present, timestamp) { timestamp = present }
        let before = UInt32(truncatingIfNeeded: Int64(items[index].packets.sent) * AudioUnits.perFrame)
        return .announce(item: items[index].id, startTimestamp: timestamp &- before)
    }

    private mutating func noteSent(_ index: Int) {
        items[index].playEnd = nextPlay
        items[index].everSent = max(items[index].everSent, items[index].packets.sent)
        let oldest = items[index].packets.sent - Self.longestUnconfirmed
        if oldest > items[index].packets.first {
            items[index].packets.forget(before: oldest)
            items[index].played = max(items[index].played, oldest * Self.frameMilliseconds)
        }
    }

    /// Confirmed by the client, or 300 ms past its estimated end.
    private func isHeardOut(_ item: Item, at now: Duration) -> Bool {
        guard item.isSent else { return false }
        return item.isConfirmed || now >= estimatedEnd(item) + Self.confirmationWait
    }

    private func estimatedEnd(_ item: Item) -> Duration {
        guard let playedAt = item.playedAt else { return item.playEnd }
        return max(item.playEnd, playedAt + .milliseconds(item.sentMilliseconds - item.played))
    }

    private func settle(_ item: Flushed) -> OnTick {
        let heard = item.reported ?? item.estimate
        if item.whole, heard >= item.sentMilliseconds {
            return .playedOut(item: item.id, providerItem: item.providerItem)
        }
        return .truncate(
            Truncation(
                item: item.id, providerItem: item.providerItem, heardMilliseconds: heard,
                estimated: item.reported == nil && item.sentMilliseconds > 0))
    }

    /// Nobody came back in time: what is left of the items is not going to be heard.
    mutating func giveUpFrozen(at now: Duration) {
        for item in items {
            flushed.append(
                Flushed(
                    id: item.id, providerItem: item.providerItem, sentMilliseconds: item.sentMilliseconds,
                    whole: item.isSent, estimate: item.played, reported: item.everSent > 0 ? item.played : nil,
                    deadline: now))
        }
        items.removeAll()
    }

    // MARK: Questions

    /// What has been heard of `item` by now: the client's word, and since then our model. Nil: no such item.
    package func heardMilliseconds(of item: String, at now: Duration) -> Int? {
        items.first { $0.id == item }.map { heard($0, at: now) }
    }

    func heard(_ item: Item, at now: Duration) -> Int {
        guard case .connected = line, item.packets.sent > 0 else { return item.played }
        let estimate: Int
        if let playedAt = item.playedAt {
            estimate = item.played + Self.milliseconds(now - playedAt)
        } else {
            let sent = item.packets.sent * Self.frameMilliseconds
            estimate = sent - Self.milliseconds(max(.zero, item.playEnd - now))
        }
        let most = min(item.packets.sent * Self.frameMilliseconds, item.length ?? .max)
        return max(item.played, min(estimate, most))
    }

    /// Nothing is queued, playing, or waiting to be confirmed: a boundary, as far as playout goes.
    package func isEmptyAndConfirmed(at now: Duration) -> Bool {
        guard flushed.isEmpty else { return false }
        switch line {
        case .absent, .frozen: return items.isEmpty
        case .connected: return items.allSatisfy { isHeardOut($0, at: now) }
        }
    }

    /// The item that is being played, or waits for its first packet.
    package var currentItem: String? { items.first?.id }

    private static func milliseconds(_ duration: Duration) -> Int {
        Int(clamping: AudioUnits.units(in: duration) / AudioUnits.perMillisecond)
    }
}
