import InterviewCore
import Testing

/// A client that keeps the protocol, a line that delivers at once, and a process that may stand still: what the client
/// sends meanwhile lies in the kernel and is read in one piece. Milliseconds; one step is 20.
private struct HonestClient {
    enum Event: Hashable, CustomTestStringConvertible {
        /// The line is down for so long; nobody stands still.
        case cut(Int)
        /// The process stands still; the client gives up the line after 3 s.
        case freeze(Int)
        /// Killed and started again at once; `turnAgo`: how long ago the last committed turn of the participant ended,
        /// nil when there is none.
        case restart(turnAgo: Int?)

        var testDescription: String {
            switch self {
            case .cut(let length): "cut \(length)"
            case .freeze(let length): "freeze \(length)"
            case .restart(let ago): "restart \(ago.map { "\($0)" } ?? "without a turn")"
            }
        }
    }

    private var timeline = UplinkTimeline(startedAt: .zero)
    private var now = 0
    private var sequence: UInt16 = 65_000
    private var cursor = 0
    private var captured = 0
    private var credit = 0
    private var isConnected = false
    private var kernel: [AudioFrameHeader] = []
    private static let firstTimestamp: UInt32 = .max - 100_000

    private static func timestamp(_ frame: Int) -> UInt32 { firstTimestamp &+ UInt32(frame) &* 960 }

    init() { connect(resumed: false) }

    private mutating func connect(resumed: Bool, reference: CapturePoint? = nil) {
        timeline.connected(at: .milliseconds(now), client: "page", resumed: resumed, reference: reference)
        if resumed {
            let from = timeline.resendFrom ?? reference?.timestamp
            cursor = from.map { max(0, Int(SerialNumber.distance(from: Self.firstTimestamp, to: $0)) / 960) } ?? 0
        }
        sequence = sequence &+ 7_919
        credit = 0
        isConnected = true
    }

    /// One step of the client: capture, and send up to eight frames.
    private mutating func step() {
        now += 20
        captured += 1
        guard isConnected else { return }
        credit = min(credit + 8, 80)
        while credit > 0, cursor < captured {
            kernel.append(
                AudioFrameHeader(format: .opus, sequence: sequence, timestamp: Self.timestamp(cursor)))
            sequence &+= 1
            cursor += 1
            credit -= 1
        }
    }

    private mutating func read() throws {
        for header in kernel { _ = try timeline.received(header, units: 960, at: .milliseconds(now)) }
        kernel = []
    }

    mutating func live(_ length: Int) throws {
        for _ in 0..<length / 20 {
            step()
            try read()
        }
    }

    mutating func happen(_ event: Event) throws {
        switch event {
        case .cut(let length):
            isConnected = false
            timeline.disconnected(at: .milliseconds(now))
            for _ in 0..<length / 20 { step() }
            connect(resumed: true)
        case .freeze(let length):
            for passed in 0..<length / 20 {
                if passed == 150 { isConnected = false }
                step()
            }
            try read()
            guard !isConnected else { return }
            timeline.disconnected(at: .milliseconds(now))
            connect(resumed: true)
        case .restart(let ago):
            kernel = []
            // The last turn's end is all that a claimer knows of time.
            let end = ago.map { max(0, now - $0) / 20 * 20 }
            timeline = UplinkTimeline(
                startedAt: .milliseconds(now), position: Int64(end ?? 0) * 48, reached: Int64(end ?? 0) * 48)
            connect(
                resumed: true,
                reference: end.map {
                    CapturePoint(
                        client: "page", timestamp: Self.timestamp($0 / 20), position: Int64($0) * 48)
                })
        }
    }

    /// All that was captured has been taken.
    var isHeard: Bool { timeline.resendFrom == Self.timestamp(captured) }
}

@Suite("UplinkPace: a client that keeps the protocol")
struct HonestClientTests {
    private typealias Event = HonestClient.Event

    @Test(
        "is never too fast, wherever process or line stand still",
        arguments: [
            [.cut(200)], [.cut(6_000)], [.cut(60_000), .cut(500)], [.freeze(1_000)], [.freeze(2_900)], [.freeze(6_000)],
            [.restart(turnAgo: nil)], [.restart(turnAgo: 1_000)], [.restart(turnAgo: 14_000)],
            [.restart(turnAgo: 3_000), .freeze(6_000)], [.restart(turnAgo: 9_000), .freeze(6_000)],
            [.restart(turnAgo: nil), .freeze(2_800)], [.restart(turnAgo: 14_000), .cut(4_000), .cut(4_000)],
            [.cut(30_000), .freeze(2_500)], [.freeze(6_000), .freeze(6_000), .freeze(6_000)],
        ] as [[HonestClient.Event]],
        [0, 20, 100, 480, 1_000, 4_980, 5_000, 5_020, 12_000])
    fileprivate func neverTooFast(events: [HonestClient.Event], between: Int) throws {
        var client = HonestClient()
        for lead in [between, 20_000] {
            try client.live(lead)
            for event in events {
                try client.happen(event)
                try client.live(between)
            }
        }
        try client.live(30_000)
        #expect(client.isHeard)
    }
}
