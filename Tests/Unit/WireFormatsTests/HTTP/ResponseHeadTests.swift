import Testing
import WireFormats

@Suite struct ResponseHeadTests {
    @Test("status, length and the two headers that matter are read; what comes behind is left")
    func read() throws {
        let text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\nRETRY-AFTER:  7\r\n\r\n{}"
        let head = try #require(try ResponseHead.parse(Array(text.utf8)))
        #expect(head == ResponseHead(status: 503, length: text.utf8.count - 2, contentLength: 2, retryAfter: 7))
        let bare = try #require(try ResponseHead.parse(Array("HTTP/1.1 204 \r\n\r\n".utf8)))
        #expect(bare == ResponseHead(status: 204, length: 17))
    }

    @Test("a head is incomplete until its empty line, at every byte")
    func incomplete() throws {
        let text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
        for length in 0..<text.utf8.count { #expect(try ResponseHead.parse(Array(text.utf8.prefix(length))) == nil) }
    }

    @Test(
        "what is no answer of ours is no answer",
        arguments: [
            "SSH-2.0", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200\r\nx\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ])
    func malformed(_ text: String) {
        #expect(throws: ResponseHead.Fault.malformed) { try ResponseHead.parse(Array(text.utf8)) }
    }

    @Test("a head without end is given up")
    func tooLarge() {
        let text = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: ResponseHead.Limits.bytes)
        #expect(throws: ResponseHead.Fault.tooLarge) { try ResponseHead.parse(Array(text.utf8)) }
        #expect(throws: ResponseHead.Fault.tooLarge) { try ResponseHead.parse(Array((text + "\r\n\r\n").utf8)) }
    }
}
