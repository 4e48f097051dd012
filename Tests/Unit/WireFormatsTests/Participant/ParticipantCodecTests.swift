import InterviewCore
import Testing
import WireFormats

@Suite struct ParticipantCodecTests {
    private func read(_ text: String) throws -> ParticipantMessage? {
        try Array(text.utf8).withUnsafeBytes { try ParticipantCodec.decodeParticipant($0) }
    }

    private func readAgent(_ bytes: [UInt8]) throws -> AgentMessage? {
        try bytes.withUnsafeBytes { try ParticipantCodec.decodeAgent($0) }
    }

    @Test("unknown types and fields are ignored, in any order and with any white space")
    func unknown() throws {
        #expect(try read(#"{"type":"wave","hand":"left"}"#) == nil)
        #expect(try read(#" { "on" : false ,"x":[1,{"y":null}], "type" : "mute" } "#) == .mute(false))
        #expect(try read(#"{"type":"beat","on":"what"}"#) == .beat)
        #expect(try read(#"{"type":"\u0062e\u0061t"}"#) == .beat)
    }

    @Test("null counts as absent, for optional fields only")
    func null() throws {
        let hello = #"{"type":"hello","protocol":1,"audio":null,"client":"c","agent":"a","resume":null}"#
        #expect(try read(hello) == .hello(Hello(up: nil, down: nil, client: "c", agent: "a")))
        #expect(throws: ProtocolViolation.badMessage) { try read(#"{"type":"mute","on":null}"#) }
    }

    @Test("a browser's fractions of a millisecond are dropped")
    func fractions() throws {
        #expect(try read(#"{"type":"played","item":"a","ms":199.9}"#) == .played(item: "a", milliseconds: 199))
        #expect(try read(#"{"type":"played","item":"a","ms":2e2}"#) == .played(item: "a", milliseconds: 200))
        #expect(
            try read(#"{"type":"stats","rtt_ms":12.7,"mic_dbfs":-40}"#)
                == .stats(ClientStats(roundTripMilliseconds: 12, microphoneDecibels: -40)))
    }

    @Test(
        "known fields of the wrong type, missing or out of range are a bad message",
        arguments: [
            #"{}"#, #"{"type":7}"#, #"{"type":null}"#, #"[{"type":"beat"}]"#, #""beat""#, #"null"#, "", " ",
            #"{"type":"mute"}"#, #"{"type":"mute","on":1}"#, #"{"type":"mute","on":"true"}"#,
            #"{"type":"played","item":"a"}"#, #"{"type":"played","ms":1}"#, #"{"type":"played","item":"","ms":1}"#,
            #"{"type":"played","item":5,"ms":1}"#, #"{"type":"played","item":"a","ms":-1}"#,
            #"{"type":"played","item":"a","ms":-0.5}"#, #"{"type":"played","item":"a","ms":86400001}"#,
            #"{"type":"played","item":"a","ms":"1"}"#, #"{"type":"played","item":"a","ms":1e30}"#,
            #"{"type":"played","item":"a","ms":9223372036854775808}"#, #"{"type":"played","item":"a","ms":1e999}"#,
            #"{"type":"played","item":"a\n","ms":1}"#,
            #"{"type":"hello","protocol":1,"audio":{"up":"opus","down":"opus"},"agent":"a"}"#,
            #"{"type":"hello","protocol":1,"audio":{"up":"opus"},"client":"c","agent":"a"}"#,
            #"{"type":"hello","protocol":1,"audio":{"up":"mp3","down":"opus"},"client":"c","agent":"a"}"#,
            #"{"type":"hello","protocol":1,"audio":"opus","client":"c","agent":"a"}"#,
            #"{"type":"hello","protocol":"1","client":"c","agent":"a"}"#,
            #"{"type":"hello","protocol":1,"client":"c","agent":"a","resume":{"item":"a"}}"#,
            #"{"type":"stats","rtt_ms":"38"}"#, #"{"type":"stats","mic_dbfs":-5000}"#,
            #"{"type":"stats","underruns":-1}"#,
        ])
    func badMessages(text: String) {
        #expect(throws: ProtocolViolation.badMessage) { try read(text) }
    }

    @Test(
        "what is no JSON is a bad message",
        arguments: [
            #"{"type":"beat""#, #"{"type":"beat"}}"#, #"{"type":"beat"} x"#, #"{"type":"beat",}"#, #"{type:"beat"}"#,
            #"{'type':'beat'}"#, #"{"type":"beat" "on":true}"#, #"{"type":"mute","on":tru}"#,
            #"{"type":"played","item":"a","ms":01}"#, #"{"type":"played","item":"a","ms":1.}"#,
            #"{"type":"played","item":"a","ms":.5}"#, #"{"type":"played","item":"a","ms":+1}"#,
            #"{"type":"played","item":"a","ms":1e}"#, #"{"type":"played","item":"a","ms":NaN}"#,
            #"{"type":"played","item":"\x","ms":1}"#, #"{"type":"played","item":"\ud800","ms":1}"#,
            #"{"type":"played","item":"\udc00\ud800","ms":1}"#, #"{"type":"played","item":"\u12","ms":1}"#,
            "{\"type\":\"played\",\"item\":\"a\tb\",\"ms\":1}", #"{"type":"beat","type":"leave"}"#,
            #"{"type":"beat","a":[1,2}"#, #"{"type":"beat","a":{"b":1]}"#,
        ])
    func noJSON(text: String) {
        #expect(throws: ProtocolViolation.badMessage) { try read(text) }
    }

    @Test("every beginning of a message is refused and none of them traps")
    func truncated() throws {
        for name in ["client-hello-resume", "client-stats", "agent-welcome-resumed", "agent-transcript"] {
            let whole = try ParticipantGoldenTests.bytes(name)
            for length in 0..<whole.count {
                #expect(throws: ProtocolViolation.self) {
                    try whole[..<length].withUnsafeBytes { try ParticipantCodec.decodeParticipant($0) }
                }
                #expect(throws: ProtocolViolation.self) {
                    try whole[..<length].withUnsafeBytes { try ParticipantCodec.decodeAgent($0) }
                }
            }
        }
    }

    @Test("one changed byte never traps")
    func mutated() throws {
        let whole = try ParticipantGoldenTests.bytes("client-hello-resume")
        for index in whole.indices {
            for byte: UInt8 in [0, 0x22, 0x5c, 0x7b, 0x5b, 0x2d, 0x39, 0x80, 0xff] {
                var changed = whole
                changed[index] = byte
                _ = try? changed.withUnsafeBytes { try ParticipantCodec.decodeParticipant($0) }
            }
        }
    }

    @Test("16 levels are read, a seventeenth is refused, brackets in strings do not count")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            #"{"type":"beat","x":"# + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
                + "}"
        }
        #expect(try read(nested(15)) == .beat)
        #expect(throws: ProtocolViolation.badMessage) { try read(nested(16)) }
        #expect(throws: ProtocolViolation.badMessage) { try read(nested(8_000)) }
        #expect(try read(#"{"type":"beat","x":"[[[[[[[[[[[[[[[[[[[[[[\"[[[[["}"#) == .beat)
    }

    @Test("16 KiB are read, one byte more is refused")
    func size() throws {
        func padded(_ count: Int) -> String {
            let frame = #"{"type":"beat","x":""}"#
            return #"{"type":"beat","x":""# + String(repeating: "x", count: count - frame.utf8.count) + #""}"#
        }
        #expect(try read(padded(16_384)) == .beat)
        #expect(throws: ProtocolViolation.tooBig) { try read(padded(16_385)) }
    }

    @Test("another protocol version is told apart")
    func version() {
        #expect(throws: ProtocolViolation.version) { try read(#"{"type":"hello","protocol":2}"#) }
        #expect(throws: ProtocolViolation.badMessage) { try read(#"{"type":"hello","protocol":-1}"#) }
        #expect(throws: ProtocolViolation.badMessage) { try read(#"{"type":"hello"}"#) }
    }

    @Test("strings of all kinds come back as they were")
    func strings() throws {
        for text in ["", "\u{0}\u{1f}\u{7f}", "\"\\/", "a\u{301}é", "👩‍👩‍👧", "\u{2028}", "\r\n\t"] {
            let message = AgentMessage.error(code: "c", message: text)
            #expect(try readAgent(ParticipantCodec.encode(message)) == message)
        }
        #expect(
            try readAgent(Array(#"{"type":"error","code":"c","message":"\ud83d\ude00\/\b\f"}"#.utf8))
                == .error(code: "c", message: "😀/\u{8}\u{c}"))
    }

    @Test("a transcript that would be too long keeps its newest words", arguments: ["word ", "\"\u{1}", "😀", "ä"])
    func longTranscript(piece: String) throws {
        let text = String(repeating: piece, count: 20_000) + "the end"
        let bytes = ParticipantCodec.encode(.transcript(role: .agent, item: "a", text: text, final: true))
        #expect(bytes.count <= ParticipantCodec.maxTextBytes)
        guard case .transcript(_, _, let kept, true) = try readAgent(bytes) else {
            Issue.record("not a transcript")
            return
        }
        #expect(kept.first == "…")
        #expect(text.hasSuffix(kept.dropFirst()))
        #expect(bytes.count > ParticipantCodec.maxTextBytes / 8)
    }
}
