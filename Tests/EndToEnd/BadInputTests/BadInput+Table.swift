import TestKit

extension BadInput {
    static let table = heads + decisions + early + frames + messages + protocolFaults

    // MARK: Heads

    private static func head(
        method: String = "GET", path: String = "/v1/sessions/{session}/media", token: String = "{token}",
        subprotocol: String = "Sec-WebSocket-Protocol: voiced.v1\r\n", extra: String = ""
    ) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(subprotocol)"
            + "Authorization: Bearer \(token)\r\n\(extra)\r\n"
    }

    private static let heads: [BadInput] = [
        knock("garbage for a head", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400, "bad_request"),
        knock("a head too long", head(extra: "X: \(String(repeating: "x", count: 9_000))\r\n"), 431, "head_too_large"),
        knock("too many headers", head(extra: String(repeating: "x: y\r\n", count: 70)), 431, "head_too_large"),
        BadInput(
            name: "a head that does not come to its end",
            act: .trickle("GET /v1/sessions/{session}/media HTTP/1.1\r\nHo"),
            answer: .status(408, code: "slow"), counted: .refused("slow"),
            logged: [#""event":"knock refused""#, #""code":"slow""#], stored: .scheduled),
        knock("HTTP/1.0", "GET /v1/sessions/{session}/media HTTP/1.0\r\n\r\n", 505, "http_version"),
        knock("wrong method", head(method: "POST"), 405, "method"),
        knock("a body where none may be", head(extra: "Content-Length: 4\r\n"), 400, "bad_request"),
        knock("wrong path", head(path: "/v1/sessions/{session}/media/more"), 404, "path"),
        knock("no subprotocol", head(subprotocol: ""), 400, "subprotocol"),
        knock(
            "wrong subprotocol", head(subprotocol: "Sec-WebSocket-Protocol: chat, voiced.v2\r\n"), 400, "subprotocol"),
        knock("a page from elsewhere", head(extra: "Origin: https://elsewhere.example\r\n"), 403, "origin"),
        knock("no WebSocket key", head().replacing("dGhlIHNhbXBsZSBub25jZQ==", with: "dGhl"), 400, "upgrade"),
        knock("WebSocket version 8", head().replacing("Version: 13", with: "Version: 8"), 426, "websocket_version"),
    ]

    private static let decisions: [BadInput] = [
        knock("a token that is none", head(token: "none"), 401, "token"),
        knock("a token with another signature", head(token: "{token}AAAA"), 401, "token"),
        knock("an expired token", head(token: "{expired}"), 401, "token"),
        knock("another session's token", head(path: "/v1/sessions/another/media"), 401, "token"),
        refused("a session that has ended", head(), 410, "ended", .ended),
    ]

    // MARK: Frames

    private static func text(_ text: String) -> [UInt8] { RawClient.frame(1, Array(text.utf8)) }

    private static func audio(_ kind: UInt8, _ payload: [UInt8], number: Int = 0) -> [UInt8] {
        let time = UInt32(number) &* 960
        let header =
            [kind, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
            + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> UInt32($0)) }
        return RawClient.frame(2, header + payload)
    }

    private static let silence = [UInt8](repeating: 0, count: 960)
    private static let hello =
        #"{"type":"hello","protocol":1,"audio":{"up":"pcm","down":"opus"},"client":"again","agent":"test"}"#

    private static let early: [BadInput] = [
        silent("sound before hello", [audio(2, silence)], 4000, "no_hello", cause: "no_hello"),
        silent(
            "another message before hello", [text(#"{"type":"mute","on":true}"#)], 4000, "no_hello", cause: "no_hello"),
        silent("no hello at all", [], 4000, "no_hello", cause: "no_hello"),
        silent("another protocol", [text(#"{"type":"hello","protocol":2}"#)], 4000, "version", cause: "version"),
        silent(
            "hello with a number for a name",
            [text(hello.replacing(#""client":"again""#, with: #""client":7"#))], 4000, "bad_message",
            cause: "bad_message"),
    ]

    private static let frames: [BadInput] = [
        line("unknown kind", [audio(9, silence)], 4000, "bad_frame", cause: "bad_frame"),
        line("short header", [RawClient.frame(2, [2, 0, 0])], 4000, "bad_frame", cause: "bad_frame"),
        line("empty frame", [RawClient.frame(2, [])], 4000, "bad_frame", cause: "bad_frame"),
        line("empty payload", [audio(2, [])], 4000, "bad_frame", cause: "bad_frame"),
        line("PCM of odd length", [audio(2, silence + [1])], 4000, "bad_frame", cause: "bad_frame"),
        line(
            "PCM of over 60 ms", [audio(2, [UInt8](repeating: 0, count: 2_882))], 4000, "bad_frame", cause: "bad_frame"),
        line("Opus where PCM was announced", [audio(1, [0xF8, 1, 2])], 4000, "bad_frame", cause: "bad_frame"),
        line("a frame too large", [audio(2, [UInt8](repeating: 0, count: 8_001))], 1009, nil, cause: "too_big"),
        line("sound too fast", (0..<400).map { audio(2, silence, number: $0) }, 4000, "too_fast", cause: "too_fast"),
        // Code 3 announces a frame count that is not there (RFC 6716, 3.2.5); a packet of 0 bytes is none.
        taken(
            "Opus that does not decode", pcm: false, (0..<3).map { audio(1, [0xFF, 0x7F, 0x00], number: $0) },
            badPackets: 3),
    ]

    // MARK: Messages

    private static let messages: [BadInput] = [
        line("text that is no JSON", [text("hello")], 4000, "bad_message", cause: "bad_message"),
        line("JSON that is no object", [text("[1]")], 4000, "bad_message", cause: "bad_message"),
        line(
            "JSON too deep",
            [text(#"{"type":"beat","x":\#(String(repeating: "[", count: 20))\#(String(repeating: "]", count: 20))}"#)],
            4000, "bad_message", cause: "bad_message"),
        line(
            "a field of the wrong type", [text(#"{"type":"mute","on":3}"#)], 4000, "bad_message", cause: "bad_message"),
        line("no type", [text(#"{"on":true}"#)], 4000, "bad_message", cause: "bad_message"),
        line(
            "a number out of range", [text(#"{"type":"played","item":"i1-0","ms":-1}"#)], 4000, "bad_message",
            cause: "bad_message"),
        line(
            "a number beyond all numbers", [text(#"{"type":"played","item":"i1-0","ms":1e400}"#)], 4000, "bad_message",
            cause: "bad_message"),
        line("hello again", [text(hello)], 4000, "bad_message", cause: "bad_message"),
        line("text too long", [text(String(repeating: " ", count: 16_385))], 1009, nil, cause: "too_big"),
        line("text that is no UTF-8", [RawClient.frame(1, [0x22, 0xFF, 0x22])], 1007, nil, cause: "bad_message"),
        taken("an unknown message", [text(#"{"type":"dance","speed":[1,{"x":2}]}"#)]),
        taken("an utterance that does not exist", [text(#"{"type":"played","item":"i9-9","ms":5}"#)]),
    ]

    // MARK: WebSocket

    private static let beat = #"{"type":"beat"}"#

    private static let protocolFaults: [BadInput] = [
        // RFC 6455, 5.1 wants it closed; the library does not notice, and masking protects others than us.
        taken("a frame without a mask", [[0x81, UInt8(beat.utf8.count)] + Array(beat.utf8)]),
        line("reserved bits", [[0xF1] + text(beat).dropFirst()], 1002, nil, cause: "bad_frame"),
        line("an unknown opcode", [[0x83] + text(beat).dropFirst()], 1002, nil, cause: "bad_frame"),
        // The library fails the connection (RFC 6455, 7.1.7) without a close frame.
        BadInput(
            name: "a control frame of over 125 bytes",
            act: .line(pcm: true, [RawClient.frame(9, [UInt8](repeating: 0, count: 126))]), answer: .cut,
            counted: .lost("closed"), logged: [#""event":"participant lost""#, #""cause":"closed""#], stored: .dropped),
        // A thousand pings, and no sign of life besides: they do not count.
        line(
            "pings without end", [[UInt8](Array(repeating: RawClient.frame(9, [1, 2, 3]), count: 1_000).joined())],
            1001,
            nil, cause: "dead"),
        line(
            "a message in endless pieces",
            [
                RawClient.frame(1, Array("{ ".utf8), isFinal: false)
                    + [UInt8](
                        Array(repeating: RawClient.frame(0, [0x20, 0x20], isFinal: false), count: 8_192).joined())
            ], 1009, nil, cause: "too_big"),
    ]
}
