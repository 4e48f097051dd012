import Foundation
import InterviewCore
import NIOCore

/// The client's half of `voiced.v1`, written from the protocol's page and not from the daemon's codec: two ends of one
/// codec would agree on its mistakes.
package enum ParticipantWire {
    package static let subprotocol = "voiced.v1"
    package static let headerBytes = 7
    /// Largest text frame either side may send.
    package static let largestTextBytes = 16 << 10
    /// Largest binary frame: header and 8,000 bytes of payload.
    package static let largestBinaryBytes = headerBytes + 8_000

    // MARK: Audio

    package static func write(_ header: AudioFrameHeader, payload: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeInteger(header.format == .opus ? UInt8(1) : 2)
        buffer.writeInteger(header.sequence)
        buffer.writeInteger(header.timestamp)
        buffer.writeBytes(payload)
    }

    /// Nil for what is no audio frame; afterwards `buffer` holds the payload.
    package static func readHeader(_ buffer: inout ByteBuffer) -> AudioFrameHeader? {
        guard buffer.readableBytes > headerBytes, buffer.readableBytes <= largestBinaryBytes,
            let (kind, sequence, timestamp) = buffer.readMultipleIntegers(as: (UInt8, UInt16, UInt32).self)
        else { return nil }
        switch kind {
        case 1: return AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
        case 2 where buffer.readableBytes % 2 == 0:
            return AudioFrameHeader(format: .pcm, sequence: sequence, timestamp: timestamp)
        default: return nil
        }
    }

    // MARK: Text

    package static func text(_ message: ParticipantMessage) -> String {
        let outgoing: Outgoing
        switch message {
        case .hello(let hello): outgoing = Outgoing(hello)
        case .played(let item, let milliseconds):
            outgoing = Outgoing(type: "played", item: item, ms: milliseconds)
        case .mute(let on): outgoing = Outgoing(type: "mute", on: on)
        case .leave: outgoing = Outgoing(type: "leave")
        case .stats(let stats): outgoing = Outgoing(stats)
        case .beat: return #"{"type":"beat"}"#
        }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.withoutEscapingSlashes]
        // Strings, integers and finite doubles only: this cannot fail, and an empty frame would be noticed.
        guard let bytes = try? encoder.encode(outgoing) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    package enum Received {
        case message(AgentMessage)
        /// A type of a later version: ignored and counted.
        case unknown
        case malformed
    }

    package static func read(_ bytes: some Collection<UInt8>) -> Received {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let incoming = try? decoder.decode(Incoming.self, from: Data(bytes)) else { return .malformed }
        guard incoming.isKnown else { return .unknown }
        return incoming.value.map(Received.message) ?? .malformed
    }
}

private struct Outgoing: Encodable {
    struct Audio: Encodable { var up, down: String? }
    struct Resume: Encodable { var item: String, playedMs: Int }
    var type: String
    var `protocol`: Int?
    var audio: Audio?
    var client, agent: String?
    var resume: Resume?
    var item: String?
    var ms: Int?
    var on: Bool?
    var rttMs: Int?
    var micDbfs: Double?
    var underruns: Int?
    var codec, device: String?

    init(type: String, item: String? = nil, ms: Int? = nil, on: Bool? = nil) {
        self.type = type
        self.item = item
        self.ms = ms
        self.on = on
    }

    init(_ hello: Hello) {
        type = "hello"
        self.protocol = hello.version
        if hello.up != nil || hello.down != nil {
            audio = Audio(up: hello.up?.rawValue, down: hello.down?.rawValue)
        }
        client = hello.client
        agent = hello.agent
        resume = hello.resume.map { Resume(item: $0.item, playedMs: $0.playedMilliseconds) }
    }

    init(_ stats: ClientStats) {
        type = "stats"
        rttMs = stats.roundTripMilliseconds
        micDbfs = stats.microphoneDecibels
        underruns = stats.underruns
        codec = stats.codec
        device = stats.device
    }
}

private struct Incoming: Decodable {
    struct Limits: Decodable { var endsInMs, rejoinMs: Int }
    var type: String
    var session: String?
    var resumed: Bool?
    var rejoinToken, url, phase, language: String?
    var limits: Limits?
    var resendFrom: UInt32?
    var state: String?
    var item: String?
    var startTimestamp: UInt32?
    var role, text: String?
    var final: Bool?
    var timestamp: UInt32?
    var token: String?
    var deadlineMs: Int?
    var micros: Int64?
    var reason: String?
    var rejoinInMs: Int?
    var code, message: String?

    private static let known: Set<String> = [
        "welcome", "prepared", "state", "item", "flush", "transcript", "ack", "beat", "move", "cost", "bye", "error",
    ]
    var isKnown: Bool { Self.known.contains(type) }

    /// Nil when a field that the type needs is missing.
    var value: AgentMessage? {
        switch type {
        case "welcome": welcome
        case "prepared": .prepared
        case "state": state.flatMap(ConversationState.init(rawValue:)).map(AgentMessage.state)
        case "item": both(item, startTimestamp).map { .item(id: $0, startTimestamp: $1) }
        case "flush": item.map(AgentMessage.flush)
        case "transcript": transcript
        case "ack": timestamp.map(AgentMessage.ack)
        case "beat": .beat
        case "move": both(token, deadlineMs).map { .move(token: $0, url: url, deadlineMilliseconds: $1) }
        case "cost": micros.map(AgentMessage.cost)
        case "bye": reason.map { .bye(reason: $0, rejoinInMilliseconds: rejoinInMs) }
        case "error": code.map { .error(code: $0, message: message ?? "") }
        default: nil
        }
    }

    private var welcome: AgentMessage? {
        guard let session = session.flatMap(SessionID.init(_:)), let resumed, let rejoinToken, let limits else {
            return nil
        }
        // `resumed` without `resend_from`: a claimer whose journal has no turn of this page load cannot name a time, so
        // everything that was not acknowledged is sent again.
        return .welcome(
            Welcome(
                session: session, resumed: resumed, rejoinToken: rejoinToken, url: url, phase: phase ?? "",
                language: language ?? "", endsInMilliseconds: limits.endsInMs, rejoinMilliseconds: limits.rejoinMs,
                resendFrom: resendFrom))
    }

    private var transcript: AgentMessage? {
        guard let role = role.flatMap(Speaker.init(rawValue:)), let item, let text, let final else { return nil }
        return .transcript(role: role, item: item, text: text, final: final)
    }

    private func both<A, B>(_ first: A?, _ second: B?) -> (A, B)? {
        guard let first, let second else { return nil }
        return (first, second)
    }
}
