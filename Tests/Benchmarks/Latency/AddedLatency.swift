import InterviewCore
import WireFormats

/// What the program in the middle adds to a frame, from a capture of the sockets on both of its sides (design targets:
/// frame's last byte received → append written; delta received with an empty queue → first frame written).
///
/// A participant's line and the provider's connection behind it are found by the greeting: the first sound of one is
/// followed at once by the first frame on the other, and of several at a time the order is kept. Then each frame up is
/// matched with its append in order.
package struct AddedLatency: Sendable {
    /// Nanoseconds; `at` is when it began.
    package struct Sample: Sendable {
        package var at: Int64
        package var took: Int64

        package init(at: Int64, took: Int64) {
            self.at = at
            self.took = took
        }
    }

    package private(set) var up: [Sample] = []
    package private(set) var down: [Sample] = []
    /// Request → first frame, without the provider's time between being asked for an answer and its first sound.
    package private(set) var join: [Sample] = []
    /// Lines whose provider connection could not be told.
    package private(set) var unpaired = 0

    /// A line is silent after so much without a frame: the queue was empty.
    private static let pause: Int64 = 200_000_000
    /// A greeting's first frame follows its first sound within this.
    private static let atOnce: Int64 = 250_000_000
    /// Nothing that follows later belongs together.
    private static let together: Int64 = 2_000_000_000
    /// A segment of a provider that is longer holds sound; texts are shorter.
    private static let leastSound = 4_000

    package init(_ segments: [PacketCapture.Segment], media: Int, provider: Int) {
        let (lines, connections) = Self.sort(segments, media: UInt16(clamping: media), UInt16(clamping: provider))
        var free = connections.values.filter { !$0.sounds.isEmpty }.sorted { $0.sounds[0] < $1.sounds[0] }
        for line in lines.values.sorted(by: { ($0.sounds.first ?? .max) < ($1.sounds.first ?? .max) }) {
            guard let heard = line.sounds.first,
                let index = free.firstIndex(where: { (0..<Self.atOnce).contains(heard - $0.sounds[0]) })
            else {
                unpaired += 1
                continue
            }
            let connection = free.remove(at: index)
            matchUp(line, connection)
            matchDown(line, connection)
            if let joined = line.joined, let asked = connection.asked.last(where: { $0 < connection.sounds[0] }) {
                let provider = connection.sounds[0] - asked
                join.append(Sample(at: joined, took: heard - joined - provider))
            }
        }
    }

    // MARK: Connections

    private struct Line {
        var joined: Int64?
        var frames: [Int64] = []
        var sounds: [Int64] = []
    }

    private struct Connection {
        var appends: [(at: Int64, isOneFrame: Bool)] = []
        /// Everything else that it was sent.
        var asked: [Int64] = []
        var sounds: [Int64] = []
    }

    /// First byte of an unfragmented WebSocket frame (RFC 6455, 5.2).
    private static let text: UInt8 = 0x81
    private static let binary: UInt8 = 0x82
    private static let get = UInt8(ascii: "G")

    private static func sort(
        _ segments: [PacketCapture.Segment], media: UInt16, _ provider: UInt16
    ) -> ([UInt16: Line], [UInt16: Connection]) {
        var lines: [UInt16: Line] = [:]
        var connections: [UInt16: Connection] = [:]
        // A kernel whose acknowledgement is late sends a segment again, which is no other frame.
        var ends: [UInt32: UInt32] = [:]
        for segment in segments {
            let way = UInt32(segment.source) << 16 | UInt32(segment.destination)
            if let end = ends[way], Int32(bitPattern: segment.sequence &- end) < 0 { continue }
            ends[way] = segment.sequence &+ UInt32(truncatingIfNeeded: segment.length)
            if segment.destination == media {
                if segment.first == get { lines[segment.source, default: Line()].joined = segment.at }
                if segment.first == binary { lines[segment.source, default: Line()].frames.append(segment.at) }
            } else if segment.source == media {
                if segment.first == binary { lines[segment.destination, default: Line()].sounds.append(segment.at) }
            } else if segment.destination == provider, segment.first == text {
                if let frames = framesAppended(segment.length) {
                    connections[segment.source, default: Connection()].appends.append((segment.at, frames == 1))
                } else {
                    connections[segment.source, default: Connection()].asked.append(segment.at)
                }
            } else if segment.source == provider, segment.length >= leastSound {
                connections[segment.destination, default: Connection()].sounds.append(segment.at)
            }
        }
        return (lines, connections)
    }

    /// How many frames of 20 ms an append of this length holds; nil for other messages. The texts in between are
    /// never as long as one of these to the byte.
    private static func framesAppended(_ length: Int) -> Int? {
        let one = OpenAIAudioAppend.byteCount(samples: samplesPerFrame)
        let perFrame = Base64.encodedCount(samplesPerFrame * 2)
        // A client's frame of 126 to 65,535 bytes: two bytes, two of length, four of mask.
        let rest = length - 8 - one
        guard rest >= 0, rest % perFrame == 0 else { return nil }
        return rest / perFrame + 1
    }

    private static let samplesPerFrame = 480

    // MARK: Matching

    /// In order, from the first append that is one frame's own. Sound that was held until the provider was ready comes
    /// in one piece and has no time of its own; silence that the program puts in follows no frame.
    private mutating func matchUp(_ line: Line, _ connection: Connection) {
        var next = 0
        var isMatching = false
        for append in connection.appends {
            if !isMatching || !append.isOneFrame {
                // All frames before it are in it, or were of no use to anybody; the last may be the one that it is.
                while next < line.frames.count, line.frames[next] <= append.at { next += 1 }
                guard append.isOneFrame, next > 0, append.at - line.frames[next - 1] < Self.nearby else { continue }
                next -= 1
                isMatching = true
            }
            guard next < line.frames.count, line.frames[next] <= append.at else { continue }
            up.append(Sample(at: line.frames[next], took: append.at - line.frames[next]))
            next += 1
        }
    }

    /// A quarter of a frame: what a program adds while hardly anybody is there.
    private static let nearby: Int64 = 5_000_000

    private mutating func matchDown(_ line: Line, _ connection: Connection) {
        var previous: Int64 = .min / 2
        var frame = 0
        for sound in connection.sounds {
            defer { previous = sound }
            guard sound - previous > Self.pause else { continue }
            while frame < line.sounds.count, line.sounds[frame] < sound { frame += 1 }
            guard frame < line.sounds.count, line.sounds[frame] - sound < Self.together,
                frame == 0 || sound - line.sounds[frame - 1] > Self.pause
            else { continue }
            down.append(Sample(at: sound, took: line.sounds[frame] - sound))
        }
    }
}

extension [AddedLatency.Sample] {
    /// Milliseconds that `share` of the samples within `window` are not above; nil when there are none.
    package func milliseconds(_ share: Double, within window: Range<Int64>) -> Double? {
        let sorted = filter { window.contains($0.at) }.map(\.took).sorted()
        guard !sorted.isEmpty else { return nil }
        let index = Int((share * Double(sorted.count)).rounded(.up)) - 1
        return Double(sorted[Swift.min(Swift.max(index, 0), sorted.count - 1)]) / 1e6
    }
}
