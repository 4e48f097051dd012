import ProviderSimulator
import Testing

@Suite struct WireTests {
    private func parse(_ text: String) throws -> JSON { try JSONParser.parse(Array(text.utf8)) }
    private func scan(_ text: String) -> (audio: String, eventID: String?)? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { buffer in
            AppendScanner.scan(buffer).map { (String(decoding: bytes[$0.audio], as: UTF8.self), $0.eventID) }
        }
    }

    @Test("JSON goes in and out")
    func json() throws {
        let text = #"{"a":[1,-2.5,true,false,null,"q\"\\\u0007é😀"],"b":{"c":{}}}"#
        #expect(try parse(text).text == text)
        #expect(try parse(" { \"a\" : 1e3 } ") == ["a": 1_000.0])
        #expect(try parse(#""\ud83d\ude00\u00e9\/\ud83d""#) == .string("😀é/\u{FFFD}"))
        #expect(try parse("99999999999999999999") == .number(1e20))
    }

    @Test(
        "what is not JSON is an error, never a trap",
        arguments: [
            "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "[1,]", "\"", "\"\\", "\"\\u12", "\"\\x\"",
            "tru", "-", "1 2", "{a:1}", "\"\u{1}\"", "nul", "+1", "{\"a\":1}}",
        ])
    func malformed(text: String) {
        #expect(throws: JSONParser.Failure.self) { try parse(text) }
    }

    @Test("nesting has a limit")
    func depth() {
        #expect(throws: JSONParser.Failure.tooDeep) {
            try parse(String(repeating: "[", count: 100_000))
        }
    }

    @Test("base64 gives every length back and refuses what is none")
    func base64() {
        for length in 0..<64 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + length) }
            let text = bytes.withUnsafeBytes { Base64.encode($0) }
            #expect(text.withUnsafeBytes { Base64.decode($0) } == bytes)
        }
        for bad in ["A", "AA", "AAA", "AA=A", "====", "A===", "AAAA*AAA", "AAA\u{e9}", "AAAA=AAA"] {
            #expect(Array(bad.utf8).withUnsafeBytes { Base64.decode($0) } == nil, "\(bad)")
        }
    }

    @Test("a plain append is found without a parser, in any order of its members")
    func append() {
        let plain = scan(#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#)
        #expect(plain?.audio == "AAAA" && plain?.eventID == nil)
        let other = scan("{ \"event_id\" : \"e1\",\n \"audio\":\"\", \"type\" : \"input_audio_buffer.append\" } ")
        #expect(other?.audio == "" && other?.eventID == "e1")
    }

    @Test(
        "anything else is left to the parser",
        arguments: [
            "", "{", "{}", #"{"type":"input_audio_buffer.append"}"#,
            #"{"type":"input_audio_buffer.commit","audio":"A"}"#,
            #"{"type":"input_audio_buffer.append","audio":"A\/AA"}"#,
            #"{"type":"input_audio_buffer.append","audio":7}"#, #"{"type":"input_audio_buffer.append","audio":"AAAA""#,
            #"{"type":"input_audio_buffer.append","audio":"AAAA","more":"x"}"#,
            #"{"type":"input_audio_buffer.append","audio":"AAAA"}x"#, #"{"type":"input_audio_buffer.append","audio":"#,
        ])
    func notAppend(text: String) {
        #expect(scan(text) == nil)
    }

    @Test("a script file changes what it names and keeps the rest")
    func script() throws {
        let text = #"""
            {"answers": ["One?",
                         {"text": "Bye.", "tool": {"name": "end_interview", "arguments": {"why": 1}},
                          "first_audio_ms": 70},
                         {"text": "", "fail": {"code": "rate_limit_exceeded"}}],
             "user_transcripts": ["Yes."], "voice": "de"}
            """#
        let script = try Script(json: Array(text.utf8))
        #expect(script.greeting == Script.interview.greeting)
        #expect(script.answers[0] == Script.Answer("One?"))
        #expect(script.answers[1].call == Script.ToolCall(name: "end_interview", arguments: #"{"why":1}"#))
        #expect(script.answers[1].firstAudioLatency == .milliseconds(70))
        #expect(script.answers[2].ending == .failed(type: "server_error", code: "rate_limit_exceeded"))
        #expect(script.transcript(ofTurn: 1, milliseconds: 900) == "Yes.")
        #expect(script.transcript(ofTurn: 2, milliseconds: 2_349) == "Participant turn 2, 2.3 seconds.")
        #expect(script.voice == "de")
    }

    @Test(
        "a wrong script says what is wrong",
        arguments: [
            (#"{"answer":[]}"#, "Unknown parameter: 'answer'."), ("[]", "expected an object"), ("{", "not JSON"),
            (#"{"answers":[{"txt":"x"}]}"#, "answers[0]"), (#"{"after_last":"stop"}"#, "repeat_last"),
        ])
    func wrongScript(text: String, part: String) {
        #expect {
            _ = try Script(json: Array(text.utf8))
        } throws: { error in
            guard case .invalidScript(let why)? = error as? SimulatorError else { return false }
            return why.contains(part)
        }
    }
}
