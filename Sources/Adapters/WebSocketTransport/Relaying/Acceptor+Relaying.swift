import EventLoops
import InterviewCore
import Logging
import Ports
import WireFormats

package enum RelayEvent: Sendable, Hashable {
    /// Bytes go both ways.
    case began
    /// `unreachable` and `refused` come without a `began`.
    case ended(RelayEnd)
}

/// Another process runs the session and has said so: the participant's head goes there again, and from the owner's 101
/// on every byte both ways. The participant waits at the door meanwhile, and every other answer reaches them as ours.
extension Acceptor {
    func relay(_ visitor: Visitor, _ request: JoinRequest, to address: String, head: [UInt8]) {
        let key = ObjectIdentifier(visitor)
        // Gone while admission thought about it.
        guard visitors[key] === visitor else { return }
        guard relays.count + openings.count < settings.mostRelays else {
            return refuse(visitor, .crowded, origin: request.origin)
        }
        let exchange = OwnerExchange(loop: loop, request: head)
        openings[key] = exchange
        exchange.start(
            address, resolver: resolver, connectWithin: settings.relayConnect, answerWithin: settings.relayAnswer
        ) { [weak self] outcome in
            self?.assumeIsolated { $0.ownerAnswered(outcome, visitor, request) }
        }
    }

    private func ownerAnswered(_ outcome: OwnerExchange.Outcome, _ visitor: Visitor, _ request: JoinRequest) {
        openings[ObjectIdentifier(visitor)] = nil
        switch outcome {
        case .upgraded(let owner, let received, let headLength):
            guard let participant = visitor.release() else { return OwnerExchange.closeDescriptor(owner) }
            visitors[ObjectIdentifier(visitor)] = nil
            let splice = Splice(
                loop: loop, participant: participant, owner: owner, stuckAfter: settings.relayStuck
            ) { [weak self] splice, end in self?.assumeIsolated { $0.relayEnded(splice, end) } }
            relays[ObjectIdentifier(splice)] = splice
            log.info("relayed to its owner", metadata: ["session": "\(request.session)"])
            relayEvent(.began)
            splice.start(received: received, headLength: headLength)
        case .answered(let head, let body) where head.status != 421 && (400...599).contains(head.status):
            relayEvent(.ended(.refused))
            let headers = head.retryAfter.map { [("Retry-After", String($0))] } ?? []
            let response = ClosingResponse(status: head.status, headers: headers, body: body)
            answer(visitor, response.readable(by: request.origin))
        // Not the owner any more, or nobody there: the next try asks anew.
        case .answered, .failed:
            relayEvent(.ended(.unreachable))
            refuse(visitor, .ownerUnreachable, origin: request.origin)
        }
    }

    private func relayEnded(_ splice: Splice, _ end: RelayEnd) {
        guard relays.removeValue(forKey: ObjectIdentifier(splice)) != nil else { return }
        relayEvent(.ended(end))
    }

    func stopRelays() {
        for opening in openings.values { opening.cancel() }
        openings.removeAll()
        for splice in relays.values {
            splice.stop()
            relayEvent(.ended(.stopped))
        }
        relays.removeAll()
    }

    /// Connections that are passed on to another process.
    package var relaying: Int { relays.count }
}
