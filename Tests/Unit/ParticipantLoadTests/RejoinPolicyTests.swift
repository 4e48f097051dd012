import ParticipantLoad
import Testing

@Suite("RejoinPolicy")
struct RejoinPolicyTests {
    private func live(ownerKnown: Bool = false, window: Duration = .seconds(120)) -> RejoinPolicy {
        var policy = RejoinPolicy(patience: .seconds(10), startingAt: .zero)
        policy.welcomed(rejoinWindow: window, ownerKnown: ownerKnown, at: .zero)
        return policy
    }

    @Test("after 1000 and 4001 a client stays away")
    func final() {
        var policy = live()
        #expect(
            policy.closed(code: 1000, byeReason: "completed", rejoinIn: nil, at: .seconds(1), chance: 0)
                == .stop(.ended(reason: "completed")))
        #expect(
            policy.closed(code: 4001, byeReason: nil, rejoinIn: nil, at: .seconds(1), chance: 0)
                == .stop(.joinedElsewhere))
    }

    @Test("the jitter is added to the bye's time", arguments: [1001, 1012, 1013, 4003])
    func returns(code: Int) {
        var policy = live()
        #expect(
            policy.closed(code: code, byeReason: "restart", rejoinIn: .seconds(1), at: .seconds(1), chance: 0.5)
                == .again(after: .milliseconds(1_250), viaOwner: false))
    }

    @Test("4000, 1009 and a close without a code: three times, then no more", arguments: [4000, 1009, nil])
    func unclean(code: Int?) {
        var policy = live()
        for _ in 0..<3 {
            let decision = policy.closed(code: code, byeReason: nil, rejoinIn: nil, at: .seconds(1), chance: 0)
            #expect(decision == .again(after: .zero, viaOwner: false))
            policy.welcomed(rejoinWindow: .seconds(120), ownerKnown: false, at: .seconds(1))
        }
        #expect(
            policy.closed(code: code, byeReason: nil, rejoinIn: nil, at: .seconds(1), chance: 0)
                == .stop(.rejected(code: code ?? 0)))
        var patient = live()
        for turn in 1...9 {
            let now = Duration.seconds(20 * turn)
            let decision = patient.closed(code: code, byeReason: nil, rejoinIn: nil, at: now, chance: 0)
            #expect(decision == .again(after: .zero, viaOwner: false))
            patient.welcomed(rejoinWindow: .seconds(120), ownerKnown: false, at: now)
        }
    }

    @Test("the owner's own address is tried once, then the general one at once")
    func owner() {
        var policy = live(ownerKnown: true)
        #expect(
            policy.failed("dead_line", at: .seconds(1), chance: 0.1) == .again(after: .milliseconds(50), viaOwner: true)
        )
        #expect(
            policy.refused(status: 503, code: "draining", retryAfter: .seconds(2), at: .seconds(1), chance: 0.9)
                == .again(after: .zero, viaOwner: false))
        #expect(
            policy.refused(status: 503, code: "draining", retryAfter: .seconds(60), at: .seconds(1), chance: 0.9)
                == .again(after: .seconds(3), viaOwner: false))
    }

    @Test(
        "whatever the owner's own address refuses with, the general one decides",
        arguments: [400, 401, 403, 404, 410, 421, 503])
    func ownerRefuses(status: Int) {
        var policy = live(ownerKnown: true)
        _ = policy.closed(code: 1012, byeReason: nil, rejoinIn: nil, at: .seconds(1), chance: 0)
        #expect(
            policy.refused(status: status, code: "any", retryAfter: nil, at: .seconds(1), chance: 0)
                == .again(after: .zero, viaOwner: false))
        if (400..<420).contains(status), status != 410 {
            #expect(
                policy.refused(status: status, code: "any", retryAfter: nil, at: .seconds(1), chance: 0)
                    == .stop(.refused(status: status, code: "any")))
        }
    }

    @Test("pauses grow to 3 s and end with the rejoin window")
    func backoff() {
        var policy = live(window: .seconds(8))
        var now: Duration = .seconds(5)
        var pauses: [Duration] = []
        var end: RejoinPolicy.Decision?
        while end == nil {
            switch policy.failed("closed", at: now, chance: 0) {
            case .again(let pause, _):
                pauses.append(pause)
                now += pause
            case let stop: end = stop
            }
        }
        #expect(pauses == [.zero, .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(3)])
        #expect(end == .stop(.gaveUp(last: "closed")))
    }

    @Test(
        "an opening that cannot succeed is not tried again",
        arguments: [(400, "subprotocol"), (401, "token"), (403, "origin"), (404, "unknown")])
    func refused(status: Int, code: String) {
        var policy = RejoinPolicy(patience: .seconds(10), startingAt: .zero)
        #expect(
            policy.refused(status: status, code: code, retryAfter: nil, at: .zero, chance: 0)
                == .stop(.refused(status: status, code: code)))
    }

    @Test("who never got in was refused, after the patience")
    func patience() {
        var policy = RejoinPolicy(patience: .seconds(1), startingAt: .zero)
        #expect(
            policy.refused(status: 503, code: "full", retryAfter: .seconds(1), at: .zero, chance: 0)
                == .again(after: .seconds(1), viaOwner: false))
        #expect(
            policy.refused(status: 503, code: "full", retryAfter: .seconds(1), at: .seconds(1), chance: 0)
                == .stop(.refused(status: 503, code: "full")))
    }
}
