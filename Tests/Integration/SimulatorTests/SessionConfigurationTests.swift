import ProviderSimulator
import Testing

@Suite struct SessionConfigurationTests {
    private func applied(_ patches: String...) throws -> SessionConfiguration {
        var configuration = SessionConfiguration(model: "gpt-realtime")
        for patch in patches { try configuration.apply(JSONParser.parse(Array(patch.utf8)), voiceIsFixed: false) }
        return configuration
    }
    private func input(_ members: String) -> String { #"{"type":"realtime","audio":{"input":{\#(members)}}}"# }

    @Test("what an update does not name stays as it was")
    func partial() throws {
        let configuration = try applied(
            #"{"type":"realtime","instructions":"Be kind.","audio":{"output":{"voice":"marin"}}}"#,
            input(#""turn_detection":{"type":"server_vad","silence_duration_ms":700}"#))
        #expect(configuration.document["instructions"] == "Be kind.")
        #expect(configuration.voice == "marin")
        #expect(configuration.turnDetection == TurnDetection(silenceMilliseconds: 700))
    }

    @Test("null turns turn detection, transcription and noise reduction off")
    func cleared() throws {
        let configuration = try applied(
            input(#""transcription":{"model":"whisper-1"}"#),
            input(#""transcription":null,"turn_detection":null,"noise_reduction":null"#))
        #expect(configuration.turnDetection == nil)
        #expect(configuration.transcriptionModel == nil)
    }

    @Test("a semantic detector waits longer the less eager it is")
    func semantic() throws {
        let silences = try ["low", "auto", "high"].map { eagerness in
            try applied(
                input(#""turn_detection":{"type":"semantic_vad","eagerness":"\#(eagerness)"}"#)
            ).turnDetection?.silenceMilliseconds ?? 0
        }
        #expect(silences == silences.sorted(by: >))
        #expect(Set(silences).count == 3)
    }

    @Test(
        "an update that the vendor refuses changes nothing and says which member is wrong",
        arguments: [
            (#"{}"#, "missing_required_parameter", "session.type"),
            (#"{"type":"realtime","temperature":0.8}"#, "unknown_parameter", "session.temperature"),
            (#"{"type":"realtime","modalities":["text"]}"#, "unknown_parameter", "session.modalities"),
            (#"{"type":"transcription"}"#, "invalid_value", "session.type"),
            (#"{"type":"realtime","instructions":7}"#, "invalid_type", "session.instructions"),
            (
                #"{"type":"realtime","output_modalities":["audio","text"]}"#, "invalid_value",
                "session.output_modalities"
            ),
            (#"{"type":"realtime","max_output_tokens":0}"#, "invalid_value", "session.max_output_tokens"),
            (#"{"type":"realtime","model":"gpt-realtime-2"}"#, "invalid_value", "session.model"),
            (
                #"{"type":"realtime","audio":{"output":{"voice":"mozart"}}}"#, "invalid_value",
                "session.audio.output.voice"
            ),
            (#"{"type":"realtime","audio":{"output":{"speed":3}}}"#, "invalid_value", "session.audio.output.speed"),
            (
                #"{"type":"realtime","audio":{"input":{"turn_detection":{"threshold":0.5}}}}"#,
                "missing_required_parameter", "session.audio.input.turn_detection.type"
            ),
            (
                #"{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","threshold":2}}}}"#,
                "invalid_value", "session.audio.input.turn_detection.threshold"
            ),
            (
                #"{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcm","rate":16000}}}}"#, "invalid_value",
                "session.audio.input.format.rate"
            ),
            (
                #"{"type":"realtime","tools":[{"type":"function"}]}"#, "missing_required_parameter",
                "session.tools[0].name"
            ),
        ])
    func refusals(patch: String, code: String, param: String) throws {
        var configuration = SessionConfiguration(model: "gpt-realtime")
        let before = configuration.document
        do {
            try configuration.apply(JSONParser.parse(Array(patch.utf8)), voiceIsFixed: false)
            Issue.record("accepted")
        } catch let error as ClientError {
            #expect(error.code == code)
            #expect(error.param == param)
        }
        #expect(configuration.document == before)
    }

    @Test("a voice that has spoken stays")
    func voice() throws {
        var configuration = try applied(#"{"type":"realtime","audio":{"output":{"voice":"marin"}}}"#)
        let same = try JSONParser.parse(Array(#"{"type":"realtime","audio":{"output":{"voice":"marin"}}}"#.utf8))
        try configuration.apply(same, voiceIsFixed: true)
        let other = try JSONParser.parse(Array(#"{"type":"realtime","audio":{"output":{"voice":"cedar"}}}"#.utf8))
        #expect(throws: ClientError.self) { try configuration.apply(other, voiceIsFixed: true) }
    }
}
