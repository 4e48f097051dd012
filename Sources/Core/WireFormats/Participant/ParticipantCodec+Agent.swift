import InterviewCore

// What voiced says.
extension ParticipantCodec {
    /// Never longer than `maxTextBytes`: an answer's text that would be is cut at its beginning, behind an ellipsis,
    /// since the newest words are the ones being spoken.
    package static func encode(_ message: AgentMessage) -> [UInt8] {
        let bytes = encodeWhole(message)
        guard bytes.count > maxTextBytes, case .transcript(let role, let item, let text, let final) = message else {
            return bytes
        }
        var kept = Substring(text)
        var encoded = bytes
        while encoded.count > maxTextBytes, !kept.isEmpty {
            // A character takes at most six times its bytes once escaped, so this ends soon and never cuts too much.
            var surplus = encoded.count - maxTextBytes
            repeat { surplus -= kept.removeFirst().utf8.count * 6 } while surplus > 0 && !kept.isEmpty
            encoded = encodeWhole(.transcript(role: role, item: item, text: "…" + kept, final: final))
        }
        return encoded
    }

    private static func encodeWhole(_ message: AgentMessage) -> [UInt8] {
        switch message {
        case .welcome(let welcome): one("welcome") { write(welcome, to: &$0) }
        case .prepared: one("prepared") { _ in }
        case .beat: one("beat") { _ in }
        case .state(let state): one("state") { $0.member("state", state.rawValue) }
        case .item(let id, let startTimestamp):
            one("item") {
                $0.member("item", id)
                $0.member("start_timestamp", Int(startTimestamp))
            }
        case .flush(let item): one("flush") { $0.member("item", item) }
        case .transcript(let role, let item, let text, let final):
            one("transcript") {
                $0.member("role", role.rawValue)
                $0.member("item", item)
                $0.member("text", text)
                $0.member("final", final)
            }
        case .ack(let timestamp): one("ack") { $0.member("timestamp", Int(timestamp)) }
        case .move(let token, let url, let deadline):
            one("move") {
                $0.member("token", token)
                if let url { $0.member("url", url) }
                $0.member("deadline_ms", deadline)
            }
        case .cost(let micros): one("cost") { $0.member("micros", Int(micros)) }
        case .bye(let reason, let rejoin):
            one("bye") {
                $0.member("reason", reason)
                if let rejoin { $0.member("rejoin_in_ms", rejoin) }
            }
        case .error(let code, let message):
            one("error") {
                $0.member("code", code)
                $0.member("message", message)
            }
        }
    }

    private static func write(_ welcome: Welcome, to object: inout JSONWriter.Object) {
        object.member("session", welcome.session.text)
        object.member("resumed", welcome.resumed)
        object.member("rejoin_token", welcome.rejoinToken)
        if let url = welcome.url { object.member("url", url) }
        object.member("phase", welcome.phase)
        object.member("language", welcome.language)
        object.member("limits") { limits in
            limits.member("ends_in_ms", welcome.endsInMilliseconds)
            limits.member("rejoin_ms", welcome.rejoinMilliseconds)
        }
        if let resendFrom = welcome.resendFrom { object.member("resend_from", Int(resendFrom)) }
    }

    // MARK: For clients

    package static func decodeAgent(_ text: UnsafeRawBufferPointer) throws(ProtocolViolation) -> AgentMessage? {
        let fields = ParticipantFields(try ParticipantJSON.object(text))
        switch try fields.string("type", upTo: maxTextBytes) {
        case "welcome": return .welcome(try welcome(fields))
        case "prepared": return .prepared
        case "beat": return .beat
        case "state": return .state(try fields.word("state", ConversationState.self))
        case "item":
            return .item(
                id: try fields.identifier("item"), startTimestamp: try fields.timestamp("start_timestamp"))
        case "flush": return .flush(item: try fields.identifier("item"))
        case "transcript":
            return .transcript(
                role: try fields.word("role", Speaker.self), item: try fields.identifier("item"),
                text: try fields.string("text", upTo: maxTextBytes), final: try fields.bool("final"))
        case "ack": return .ack(timestamp: try fields.timestamp("timestamp"))
        case "move":
            return .move(
                token: try fields.string("token", upTo: 4_096), url: try fields.optionalString("url", upTo: 2_048),
                deadlineMilliseconds: try fields.milliseconds("deadline_ms"))
        case "cost": return .cost(micros: try fields.integer("micros", in: 0...Int64.max))
        case "bye":
            return .bye(
                reason: try fields.identifier("reason"),
                rejoinInMilliseconds: try fields.optionalMilliseconds("rejoin_in_ms"))
        case "error":
            return .error(
                code: try fields.identifier("code"), message: try fields.string("message", upTo: maxTextBytes))
        default: return nil
        }
    }

    private static func welcome(_ fields: ParticipantFields) throws(ProtocolViolation) -> Welcome {
        let limits = try fields.object("limits")
        guard let session = SessionID(try fields.string("session", upTo: Identifier.longest)) else {
            throw .badMessage
        }
        return Welcome(
            session: session, resumed: try fields.bool("resumed"),
            rejoinToken: try fields.string("rejoin_token", upTo: 4_096),
            url: try fields.optionalString("url", upTo: 2_048), phase: try fields.string("phase", upTo: 256),
            language: try fields.string("language", upTo: 64),
            endsInMilliseconds: try limits.milliseconds("ends_in_ms"),
            rejoinMilliseconds: try limits.milliseconds("rejoin_ms"),
            resendFrom: try fields.optionalTimestamp("resend_from"))
    }
}
