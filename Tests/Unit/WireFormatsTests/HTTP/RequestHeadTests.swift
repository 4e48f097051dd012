import Testing
import WireFormats

@Suite struct RequestHeadTests {
    private func parse(_ text: String) throws(RequestHead.Fault) -> RequestHead? {
        try RequestHead.parse(Array(text.utf8))?.head
    }

    @Test("a browser's request is read, names in lower case, values trimmed, the rest left over")
    func browser() throws {
        let text =
            "GET /v1/sessions/s_1/media?x=1&y=%20?z HTTP/1.1\r\nHost: a.test\r\nUpgrade:websocket\r\n"
            + "Connection: keep-alive,  Upgrade \r\nSec-WebSocket-Protocol: voiced.v1\r\n"
            + "SEC-WEBSOCKET-PROTOCOL: bearer.abc, , other\t\r\nX-Empty:\r\n\r\nrest"
        let (head, length) = try #require(try RequestHead.parse(Array(text.utf8)))
        #expect(head.method == "GET")
        #expect(head.path == "/v1/sessions/s_1/media")
        #expect(head.query == "x=1&y=%20?z")
        #expect(length == text.utf8.count - 4)
        #expect(head.value("host") == "a.test")
        #expect(head.elements("connection") == ["keep-alive", "Upgrade"])
        #expect(head.elements("sec-websocket-protocol") == ["voiced.v1", "bearer.abc", "other"])
        #expect(head.value("x-empty") == "")
        #expect(head.value("x-absent") == nil)
    }

    @Test("a head is incomplete until its empty line, at every byte")
    func incomplete() throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for length in 0..<text.utf8.count { #expect(try RequestHead.parse(Array(text.utf8.prefix(length))) == nil) }
        #expect(try parse(text) != nil)
    }

    @Test(
        "what two readers could understand differently is refused",
        arguments: [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", RequestHead.Fault.malformed),
            ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\n: a\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nno colon\r\nHost: a\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n", .malformed),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformed),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("GET /\r\nHost: a\r\n\r\n", .malformed),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed),
            ("\u{16}\u{3}\u{1}", .malformed),
            ("GET / HTTP/1.1\r\nX: a\r\n\r\n", .malformed),
            ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", .version),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .version),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", .repeated),
            ("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n", .repeated),
            ("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Key: x\r\n\r\n", .repeated),
            ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: x\r\nOrigin: y\r\n\r\n", .repeated),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", .body),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .body),
        ])
    func refused(text: String, fault: RequestHead.Fault) {
        #expect(throws: fault) { try parse(text) }
    }

    @Test("8 KiB and 64 headers pass, more does not, also without an end in sight")
    func limits() throws {
        func head(bytes: Int) -> String {
            let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
            return "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: bytes - frame.utf8.count)
                + "\r\n\r\n"
        }
        #expect(try parse(head(bytes: 8_192)) != nil)
        #expect(throws: RequestHead.Fault.tooLarge) { try parse(head(bytes: 8_193)) }
        #expect(throws: RequestHead.Fault.tooLarge) { try parse(String(head(bytes: 9_000).prefix(8_192))) }
        func head(headers: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + (1..<headers).map { "x-\($0): y\r\n" }.joined() + "\r\n"
        }
        #expect(try parse(head(headers: 64))?.headers.count == 64)
        #expect(throws: RequestHead.Fault.tooLarge) { try parse(head(headers: 65)) }
    }
}

@Suite struct ClosingResponseTests {
    private func text(_ response: ClosingResponse) -> String { String(decoding: response.bytes, as: UTF8.self) }

    @Test("a refusal is JSON with its length, the time to wait and the end of the connection")
    func refusal() {
        let response = ClosingResponse.refusal(status: 503, code: "full", message: "No \"place\".", retryAfter: 7)
        #expect(
            text(response.readable(by: nil))
                == "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 41\r\n"
                + "Retry-After: 7\r\nVary: Origin\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
                + #"{"code":"full","message":"No \"place\"."}"#)
    }

    @Test("a page that may ask may read the answer")
    func crossOrigin() {
        let answer = text(ClosingResponse.mayJoin.readable(by: "https://a.test"))
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nAccess-Control-Allow-Origin: https://a.test\r\n"))
        #expect(answer.contains("\r\nVary: Origin\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n{\"join\":true}"))
        let preflight = text(ClosingResponse.preflight.readable(by: "https://a.test"))
        #expect(preflight.hasPrefix("HTTP/1.1 204 No Content\r\n"))
        #expect(preflight.contains("\r\nAccess-Control-Allow-Headers: authorization\r\n"))
        #expect(!preflight.contains("Content-Length"))
        #expect(preflight.hasSuffix("\r\n\r\n"))
    }
}
