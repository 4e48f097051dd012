import Foundation
import InterviewCore
import WireFormats

/// Text frames from a client to the daemon.
///
/// Invariants: the same bytes give the same answer; over 16 KiB is `too_big` and nothing else is; numbers and ids keep to
/// their limits; what was decoded, encoded and decoded again is the same; whatever this reader accepts is JSON for
/// Foundation too.
final class ParticipantTarget: FuzzTarget {
    let name = "participant-json"
    let share = 1_100
    let longestInput = 20_000
    let seeds = ParticipantShapes.examples(ParticipantShapes.client)
    let words = ParticipantShapes.words

    func generate(_ random: inout Random) -> [UInt8] {
        JSONGrammar.text(of: random.pick(ParticipantShapes.client, or: .anything), &random)
    }

    private static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) -> Result<ParticipantMessage?, ProtocolViolation> {
        do throws(ProtocolViolation) { return .success(try ParticipantCodec.decodeParticipant(bytes)) } catch {
            return .failure(error)
        }
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let first = Self.decode(input)
        try expect(first == [UInt8](input).withUnsafeBytes { Self.decode($0) }, "the same bytes give the same answer")
        let isTooBig = input.count > ParticipantCodec.maxTextBytes
        try expect((first == .failure(.tooBig)) == isTooBig, "more than 16 KiB is too big, and nothing else is")
        guard case .success(let message) = first else { return .refused }
        try ForeignJSON.expectAccepted(input)
        guard let message else { return .accepted }
        try check(message)
        let text = ParticipantCodec.encode(message)
        guard text.count <= ParticipantCodec.maxTextBytes else { return .accepted }
        let again = text.withUnsafeBytes { Self.decode($0) }
        try expect(again == .success(message), "encoded and decoded again it is the same")
        return .accepted
    }

    private func check(_ message: ParticipantMessage) throws(Broken) {
        switch message {
        case .hello(let hello):
            try expect(hello.version == 1, "only version 1 is read")
            try expect((1...128).contains(hello.client.utf8.count), "a page load's id has 1 to 128 bytes")
            try expect((hello.up == nil) == (hello.down == nil), "sound is announced both ways or not at all")
            if let resume = hello.resume { try checkTime(resume.playedMilliseconds) }
        case .played(let item, let milliseconds):
            try expect((1...128).contains(item.utf8.count), "an item's id has 1 to 128 bytes")
            try checkTime(milliseconds)
        case .stats(let stats):
            if let time = stats.roundTripMilliseconds { try checkTime(time) }
            try expect(stats.microphoneDecibels?.isFinite ?? true, "a level is finite")
        case .mute, .leave, .beat: break
        }
    }

    private func checkTime(_ milliseconds: Int) throws(Broken) {
        try expect((0...86_400_000).contains(milliseconds), "a time is 0 to a day")
    }
}

/// Text frames from the daemon to a client; voice-load reads them, and the daemon must not write what it would not read.
///
/// Invariants: as for the other direction; a transcript of any length is encoded within the limit, and what is left of it
/// is its end.
final class AgentTarget: FuzzTarget {
    let name = "agent-json"
    let share = 700
    let longestInput = 20_000
    let seeds = ParticipantShapes.examples(ParticipantShapes.agent)
    let words = ParticipantShapes.words

    func generate(_ random: inout Random) -> [UInt8] {
        if random.chance(oneIn: 300) {
            let piece = random.pick(Dictionary.text + Dictionary.json, or: [0x78])
            return (0..<random.length(upTo: 20_000 / max(piece.count, 1))).flatMap { _ in piece }
        }
        return JSONGrammar.text(of: random.pick(ParticipantShapes.agent, or: .anything), &random)
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) -> Result<AgentMessage?, ProtocolViolation> {
        do throws(ProtocolViolation) { return .success(try ParticipantCodec.decodeAgent(bytes)) } catch {
            return .failure(error)
        }
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        try checkTranscript(String(decoding: input, as: UTF8.self))
        let first = Self.decode(input)
        try expect(first == [UInt8](input).withUnsafeBytes { Self.decode($0) }, "the same bytes give the same answer")
        guard case .success(let message) = first else { return .refused }
        try ForeignJSON.expectAccepted(input)
        guard let message else { return .accepted }
        let text = ParticipantCodec.encode(message)
        if case .transcript = message {
            try expect(text.count <= ParticipantCodec.maxTextBytes, "a transcript is cut to the limit")
        }
        guard text.count <= ParticipantCodec.maxTextBytes else { return .accepted }
        let again = text.withUnsafeBytes { Self.decode($0) }
        if case .success(.transcript(_, _, let cut, _)) = again, cut.hasPrefix("…") { return .accepted }
        try expect(again == .success(message), "encoded and decoded again it is the same")
        return .accepted
    }

    /// The input as something that somebody said.
    private func checkTranscript(_ said: String) throws(Broken) {
        let text = ParticipantCodec.encode(.transcript(role: .agent, item: "i", text: said, final: true))
        try expect(text.count <= ParticipantCodec.maxTextBytes, "a transcript of any length is within the limit")
        guard case .success(.transcript(.agent, "i", let read, true)) = text.withUnsafeBytes({ Self.decode($0) }) else {
            throw Broken("does not hold: a transcript can be read")
        }
        let isCut = read.utf8.count != said.utf8.count || read != said
        let kept = isCut ? Substring(read).utf8.dropFirst("…".utf8.count) : Substring(read).utf8
        try expect(said.utf8.suffix(kept.count).elementsEqual(kept), "what is left of a transcript is its end")
    }
}
