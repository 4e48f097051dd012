import InterviewCore

/// Text frames of `voiced.v1`, both directions and both ends: the daemon reads `ParticipantMessage` and writes
/// `AgentMessage`, clients the other way round.
///
/// Readers answer nil for a type that they do not know (page and daemon of two versions meet in every deploy); the
/// caller counts it.
package enum ParticipantCodec {
    package static let subprotocol = "voiced.v1"
    /// Text frames, either way.
    package static let maxTextBytes = ParticipantJSON.maxBytes
    package static let maxDepth = ParticipantJSON.maxDepth

    /// Our own item ids and a page load's id.
    static let idBytes = 128
    static let agentBytes = 256

    // MARK: From the client

    package static func decodeParticipant(
        _ text: UnsafeRawBufferPointer
    ) throws(ProtocolViolation) -> ParticipantMessage? {
        let fields = ParticipantFields(try ParticipantJSON.object(text))
        switch try fields.string("type", upTo: maxTextBytes) {
        case "hello": return .hello(try hello(fields))
        case "played":
            return .played(item: try fields.identifier("item"), milliseconds: try fields.milliseconds("ms"))
        case "mute": return .mute(try fields.bool("on"))
        case "leave": return .leave
        case "beat": return .beat
        case "stats": return .stats(try stats(fields))
        default: return nil
        }
    }

    private static func hello(_ fields: ParticipantFields) throws(ProtocolViolation) -> Hello {
        let version = try fields.integer("protocol", in: 0...Int64(Int32.max))
        guard version == 1 else { throw .version }
        let audio = try fields.optionalObject("audio")
        let resume = try fields.optionalObject("resume")
        return Hello(
            version: Int(version),
            up: try audio.map { audio throws(ProtocolViolation) in try audio.word("up", AudioFormat.self) },
            down: try audio.map { audio throws(ProtocolViolation) in try audio.word("down", AudioFormat.self) },
            client: try fields.identifier("client", upTo: idBytes),
            agent: try fields.string("agent", upTo: agentBytes),
            resume: try resume.map { resume throws(ProtocolViolation) in
                Hello.Resume(
                    item: try resume.identifier("item"), playedMilliseconds: try resume.milliseconds("played_ms"))
            })
    }

    private static func stats(_ fields: ParticipantFields) throws(ProtocolViolation) -> ClientStats {
        ClientStats(
            roundTripMilliseconds: try fields.optionalMilliseconds("rtt_ms"),
            microphoneDecibels: try fields.optionalDouble("mic_dbfs", in: -1_000...100),
            underruns: try fields.optionalInteger("underruns", in: 0...Int64(Int32.max)).map { Int($0) },
            codec: try fields.optionalString("codec", upTo: 64),
            device: try fields.optionalString("device", upTo: 64))
    }

    package static func encode(_ message: ParticipantMessage) -> [UInt8] {
        switch message {
        case .hello(let hello): one("hello") { write(hello, to: &$0) }
        case .played(let item, let milliseconds):
            one("played") {
                $0.member("item", item)
                $0.member("ms", milliseconds)
            }
        case .mute(let on): one("mute") { $0.member("on", on) }
        case .leave: one("leave") { _ in }
        case .beat: one("beat") { _ in }
        case .stats(let stats): one("stats") { write(stats, to: &$0) }
        }
    }

    private static func write(_ hello: Hello, to object: inout JSONWriter.Object) {
        object.member("protocol", hello.version)
        if let up = hello.up, let down = hello.down {
            object.member("audio") { audio in
                audio.member("up", up.rawValue)
                audio.member("down", down.rawValue)
            }
        }
        object.member("client", hello.client)
        object.member("agent", hello.agent)
        if let resume = hello.resume {
            object.member("resume") { inner in
                inner.member("item", resume.item)
                inner.member("played_ms", resume.playedMilliseconds)
            }
        }
    }

    private static func write(_ stats: ClientStats, to object: inout JSONWriter.Object) {
        if let value = stats.roundTripMilliseconds { object.member("rtt_ms", value) }
        if let value = stats.microphoneDecibels { object.member("mic_dbfs", value) }
        if let value = stats.underruns { object.member("underruns", value) }
        if let value = stats.codec { object.member("codec", value) }
        if let value = stats.device { object.member("device", value) }
    }

    /// One flat message: `type` first, then the fields in the order they are written, so that two builds write the
    /// same bytes.
    static func one(_ type: String, _ fields: (inout JSONWriter.Object) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { object in
            object.member("type", type)
            fields(&object)
        }
        return writer.bytes
    }
}
