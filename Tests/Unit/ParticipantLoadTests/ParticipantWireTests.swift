import InterviewCore
import NIOCore
import ParticipantLoad
import Testing

@Suite("ParticipantWire")
struct ParticipantWireTests {
    @Test("messages are the protocol's words")
    func words() {
        #expect(ParticipantWire.text(.beat) == #"{"type":"beat"}"#)
        #expect(ParticipantWire.text(.leave) == #"{"type":"leave"}"#)
        let played = ParticipantWire.text(.played(item: "i/1", milliseconds: 240))
        #expect(played.contains(#""item":"i/1""#) && played.contains(#""ms":240"#))
        let hello = ParticipantWire.text(
            .hello(
                Hello(
                    up: .opus, down: .pcm, client: "c", agent: "a",
                    resume: .init(item: "i", playedMilliseconds: 7))))
        #expect(hello.contains(#""protocol":1"#))
        #expect(hello.contains(#""up":"opus""#) && hello.contains(#""down":"pcm""#))
        #expect(hello.contains(#""played_ms":7"#))
        let stats = ParticipantWire.text(.stats(ClientStats(roundTripMilliseconds: 3, microphoneDecibels: -20)))
        #expect(stats.contains(#""rtt_ms":3"#) && stats.contains(#""mic_dbfs":-20"#))
    }

    @Test("what voiced says is read, with later fields ignored")
    func reads() throws {
        func read(_ json: String) -> AgentMessage? {
            if case .message(let message) = ParticipantWire.read(Array(json.utf8)) { message } else { nil }
        }
        #expect(
            read(#"{"type":"item","item":"i","start_timestamp":4294967295,"new":[1]}"#)
                == .item(id: "i", startTimestamp: .max))
        #expect(
            read(#"{"type":"bye","reason":"restart","rejoin_in_ms":300}"#)
                == .bye(reason: "restart", rejoinInMilliseconds: 300))
        #expect(read(#"{"type":"state","state":"wrapping_up"}"#) == .state(.wrappingUp))
        #expect(read(#"{"type":"ack","timestamp":9}"#) == .ack(timestamp: 9))
        let welcome = #"{"type":"welcome","session":"s","resumed":true,"rejoin_token":"t","phase":"p","language":"en","#
        let limits = #""limits":{"ends_in_ms":1,"rejoin_ms":2}"#
        guard case .welcome(let all) = read(welcome + limits + "}") else {
            Issue.record("a resumed welcome may leave resend_from out: send all")
            return
        }
        #expect(all.resendFrom == nil)
        guard case .welcome(let read) = read(welcome + limits + #","resend_from":5}"#) else {
            Issue.record("no welcome")
            return
        }
        #expect(read.resendFrom == 5)
        #expect(read.rejoinMilliseconds == 2)
    }

    @Test("unknown types are told from malformed messages")
    func unknowns() {
        func kind(_ json: String) -> String { "\(ParticipantWire.read(Array(json.utf8)))" }
        #expect(kind(#"{"type":"later"}"#) == "unknown")
        #expect(kind(#"{"type":"ack"}"#) == "malformed")
        #expect(kind(#"{"type":"ack","timestamp":"x"}"#) == "malformed")
        #expect(kind(#"{"type":"ack","timestamp":-1}"#) == "malformed")
        #expect(kind("[]") == "malformed")
    }

    @Test("an audio frame is seven bytes and the payload")
    func frames() throws {
        var buffer = ByteBuffer()
        let header = AudioFrameHeader(format: .pcm, sequence: 0x0102, timestamp: 0x0304_0506)
        ParticipantWire.write(header, payload: [9, 8], into: &buffer)
        #expect(Array(buffer.readableBytesView) == [2, 1, 2, 3, 4, 5, 6, 9, 8])
        #expect(ParticipantWire.readHeader(&buffer) == header)
        #expect(Array(buffer.readableBytesView) == [9, 8])
        for bad in [[1, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0, 0, 1], []] as [[UInt8]] {
            var buffer = ByteBuffer(bytes: bad)
            #expect(ParticipantWire.readHeader(&buffer) == nil)
        }
    }

    @Test("addresses: scheme, port, path and IPv6")
    func addresses() throws {
        #expect(try Address("ws://127.0.0.1:8082/").authority == "127.0.0.1:8082")
        #expect(try Address("http://h/base/x?y").path == "/base/x")
        #expect(try Address("ws://[::1]:9").authority == "[::1]:9")
        for bad in ["wss://h", "ws://", "http://h:0", "http://h:x"] {
            #expect(throws: ParticipantLoadError.address(bad)) { try Address(bad) }
        }
    }

    @Test("a line of tokens is an answer of REST or three words")
    func tickets() throws {
        let words = try SessionsClient.ticket(line: "s1 tok ws://127.0.0.1:8082")
        let json = try SessionsClient.ticket(line: #"{"id":"s1","token":"tok","media_url":"ws://127.0.0.1:8082"}"#)
        #expect(words == json)
        #expect(throws: ParticipantLoadError.self) { try SessionsClient.ticket(line: "s1 tok") }
    }
}
