import Foundation
import InterviewCore
import OpenAIRealtimeProvider
import Ports
import WireFormats

/// What the provider sends, from bytes to what the session is told: events are decoded, their sound unpacked, a
/// conversation is told of them, and their usage is paid for. An input is several messages with U+001E between them; one
/// that begins with a byte from 1 to 4 is a wish of the session instead.
///
/// Invariants:
/// - the same bytes give the same event, and the same events the same steps;
/// - unknown types are cut; an audio delta's ranges lie within its message; sound is what Foundation decodes;
/// - usage has no negative or absurd counts, cached tokens are a part of their inputs, money is never negative and never
///   shrinks;
/// - `began` and `ready` are said once; texts and codes keep to their limits; what is sent is JSON.
final class ProviderTarget: FuzzTarget {
    let name = "provider-json"
    let share = 700
    let longestInput = 160_000
    let seeds: [[UInt8]]
    let words = ProviderShapes.words

    private static let separator: UInt8 = 0x1E
    private var deltas = PCMDeltas()
    private let price = Price(
        textIn: 4_000_000, cachedTextIn: 400_000, audioIn: Price.maxMicros, cachedAudioIn: 400_000, imageIn: 5_000_000,
        cachedImageIn: 500_000, textOut: Price.maxMicros, audioOut: 64_000_000, perMinute: Price.maxMicros)

    init(root: String) {
        let golden = Corpus.files(in: "\(root)/Tests/Golden/OpenAIRealtime", prefix: "server-")
        seeds =
            golden + [Array(golden.joined(separator: [Self.separator]))]
            + ParticipantShapes.examples(ProviderShapes.all)
    }

    func generate(_ random: inout Random) -> [UInt8] {
        if random.chance(oneIn: 4) { return JSONGrammar.text(of: ProviderShapes.delta, &random) }
        var bytes: [UInt8] = []
        let count = random.chance(oneIn: 3) ? 1 + random.below(24) : 1 + random.below(2)
        for index in 0..<count {
            if index > 0 { bytes.append(Self.separator) }
            if random.chance(oneIn: 8) {
                bytes +=
                    [UInt8(1 + random.below(4))] + Array(random.pick(["item_1", "call_1", "resp_1", ""], or: "").utf8)
            } else {
                bytes += JSONGrammar.text(of: random.pick(ProviderShapes.all, or: .anything), &random)
            }
        }
        return bytes
    }

    private static func decode(_ message: UnsafeRawBufferPointer) -> Result<OpenAIServerEvent, OpenAIWireError> {
        do throws(OpenAIWireError) { return .success(try OpenAIServerEvent.decode(message)) } catch {
            return .failure(error)
        }
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var listener = ConversationListener()
        var meter = BudgetMeter(limitMicros: 15_000_000)
        var isFirst = true
        var answer = Answer.refused
        for piece in input.split(separator: Self.separator, maxSplits: 64, omittingEmptySubsequences: false) {
            let message = UnsafeRawBufferPointer(rebasing: piece)
            if let first = message.first, (1...4).contains(first) {
                try listener.wish(first, String(decoding: message.dropFirst(), as: UTF8.self))
                continue
            }
            let decoded = Self.decode(message)
            if isFirst {
                let again = [UInt8](message).withUnsafeBytes { Self.decode($0) }
                try expect(decoded == again, "the same bytes give the same event")
                isFirst = false
            }
            guard case .success(let event) = decoded else { continue }
            answer = .accepted
            try check(event, message)
            try pay(event, &meter)
            if try !listener.hear(event) { break }
        }
        return answer
    }

    // MARK: Events

    private func check(_ event: OpenAIServerEvent, _ message: UnsafeRawBufferPointer) throws(Broken) {
        switch event {
        case .unknown(let type):
            try expect(type.utf8.count <= OpenAIServerEvent.maxUnknownTypeLength, "an unknown type is cut to 64 bytes")
        case .audioDelta(let delta):
            for range in [delta.response, delta.item, delta.sound] {
                try expect(range.lowerBound >= 0 && range.upperBound <= message.count, "ranges lie within the message")
            }
            try unpack(UnsafeRawBufferPointer(rebasing: message[delta.sound]))
        case .speechStarted(_, let time), .speechStopped(_, let time), .itemTruncated(_, let time):
            try expect(abs(time) <= 1_000_000_000_000, "a time is bounded")
        default: break
        }
    }

    private func unpack(_ sound: UnsafeRawBufferPointer) throws(Broken) {
        deltas.startItem()
        let count: Int
        do throws(OpenAIWireError) { count = try deltas.decode(sound).count } catch {
            try expect(error == .badAudio, "sound that is none is bad audio")
            return
        }
        try expect(count <= sound.count / 4 * 3 / 2 + 1, "there is no more sound than base64 for it")
        guard sound.count & 15 == 4, !sound.contains(UInt8(ascii: "\\")) else { return }
        // An odd byte waits for the next delta.
        try expect(Data(base64Encoded: Data(sound)).map { $0.count / 2 } == count, "as much as Foundation decodes")
    }

    // MARK: Money

    private func pay(_ event: OpenAIServerEvent, _ meter: inout BudgetMeter) throws(Broken) {
        let usage: Usage?
        let id: String
        switch event {
        case .responseDone(let response): (usage, id) = (response.usage, response.id)
        case .transcriptionCompleted(let item, _, let used): (usage, id) = (used, item)
        default: return
        }
        guard let usage else { return }
        let counts = [usage.textIn, usage.audioIn, usage.imageIn, usage.textOut, usage.audioOut]
        try expect(
            counts.allSatisfy { (0...2 * Usage.maxTokens).contains($0) }, "counts are neither negative nor absurd")
        try expect((0...Usage.maxMilliseconds).contains(usage.milliseconds), "a time is at most a day")
        try expect(
            (0...usage.textIn).contains(usage.cachedTextIn) && (0...usage.audioIn).contains(usage.cachedAudioIn)
                && (0...usage.imageIn).contains(usage.cachedImageIn), "cached tokens are a part of their inputs")
        let micros = price.cost(of: usage)
        try expect(micros >= 0, "money is not negative")
        let before = meter.spentMicros
        _ = meter.spent(micros, response: id)
        try expect(meter.spentMicros >= before && meter.remainingMicros >= 0, "what is spent does not shrink")
    }
}
