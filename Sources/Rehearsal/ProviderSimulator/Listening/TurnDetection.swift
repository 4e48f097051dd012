/// `audio.input.turn_detection` of a session that is not null: when the server hears a turn begin and end by itself.
package struct TurnDetection: Equatable, Sendable {
    /// 0 to 1: how loud sound must be to count as speech.
    package var threshold: Double
    package var prefixPaddingMilliseconds: Int
    package var silenceMilliseconds: Int
    package var createsResponse: Bool
    package var interruptsResponse: Bool
    /// Counted from the end of the playback of the last answer; nil: never.
    package var idleTimeoutMilliseconds: Int?

    package init(
        threshold: Double = 0.5, prefixPaddingMilliseconds: Int = 300, silenceMilliseconds: Int = 500,
        createsResponse: Bool = true, interruptsResponse: Bool = true, idleTimeoutMilliseconds: Int? = nil
    ) {
        self.threshold = threshold
        self.prefixPaddingMilliseconds = prefixPaddingMilliseconds
        self.silenceMilliseconds = silenceMilliseconds
        self.createsResponse = createsResponse
        self.interruptsResponse = interruptsResponse
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
    }

    /// Of a configuration that has been checked and completed; nil for null, which means manual turns.
    package init?(_ json: JSON?) {
        guard let object = json?.object else { return nil }
        self.init()
        createsResponse = object["create_response"]?.bool ?? true
        interruptsResponse = object["interrupt_response"]?.bool ?? true
        if object["type"]?.string == "semantic_vad" {
            silenceMilliseconds = Self.patience(of: object["eagerness"]?.string ?? "auto")
            return
        }
        threshold = object["threshold"]?.double ?? threshold
        prefixPaddingMilliseconds = object["prefix_padding_ms"]?.integer ?? prefixPaddingMilliseconds
        silenceMilliseconds = object["silence_duration_ms"]?.integer ?? silenceMilliseconds
        idleTimeoutMilliseconds = object["idle_timeout_ms"]?.integer
    }

    /// The vendor's semantic detector waits for the end of a thought, at most 8, 4 or 2 s. Without a model of language
    /// a fixed pause stands for it, ordered the same way.
    private static func patience(of eagerness: String) -> Int {
        switch eagerness {
        case "low": 1_200
        case "high": 400
        default: 800
        }
    }

    /// What a partial configuration is completed with.
    package static func defaults(of type: String) -> JSONObject {
        if type == "semantic_vad" {
            return ["type": "semantic_vad", "eagerness": "auto", "create_response": true, "interrupt_response": true]
        }
        return [
            "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "idle_timeout_ms": .null, "create_response": true, "interrupt_response": true,
        ]
    }
}
