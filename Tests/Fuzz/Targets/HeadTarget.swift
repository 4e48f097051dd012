import InterviewCore
import Ports
import WebSocketTransport
import WireFormats

/// The acceptor's door: `RequestHead.parse`, `JoinRequest.read`, and the head that libwebsockets is given.
///
/// Invariants:
/// - the same bytes give the same answer, whatever follows a complete head; every prefix of one is incomplete;
/// - a head stays within its limits, has one `host` and no body;
/// - written again, it reads the same;
/// - the forwarded head is a head again and carries neither token, query nor any header but the ones it should;
/// - an answer's head has exactly the lines that were put into it, whatever the origin.
final class HeadTarget: FuzzTarget {
    let name = "head"
    let share = 1_300
    let longestInput = 12_000

    private let doors = [
        AcceptorSettings(host: "127.0.0.1", port: 0, origins: ["https://interviews.example"]),
        AcceptorSettings(host: "127.0.0.1", port: 0, origins: ["*"], tokenInQuery: true),
    ]

    let seeds: [[UInt8]] = [
        """
        GET /v1/sessions/k7-Zq_0/media HTTP/1.1\r\nHost: media.interviews.example\r\nConnection: keep-alive, Upgrade\r
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Protocol: voiced.v1, bearer.abc.def.ghi\r\nOrigin: https://interviews.example\r\n\r\n
        """,
        "GET /v1/sessions/a/media HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abc.def.ghi\r\n\r\n",
        "GET /v1/sessions/a/media?x=1&token=abc HTTP/1.1\r\nhost:a\r\nuser-agent:\t x \t\r\n\r\nrest of it",
        "OPTIONS /v1/sessions/a/media HTTP/1.1\r\nHost: a\r\nOrigin: https://interviews.example\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "\u{16}\u{3}\u{1}",
    ].map { Array($0.utf8) }

    let words = Dictionary.words(
        "GET ", "OPTIONS ", "POST ", " HTTP/1.1\r\n", "HTTP/1.0", "HTTP/2", "\r\n", "\r\n\r\n", "\r", "\n", "\0", ": ",
        ":",
        "Host: a\r\n", "Host: b\r\n", "Content-Length: 0\r\n", "Content-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Authorization: Bearer ", "authorization: bearer x\r\n", "Origin: *\r\n", "Origin: null\r\n",
        "Origin: https://interviews.example\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
        "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Protocol: voiced.v1\r\n", "Sec-WebSocket-Protocol: bearer.\r\n", ",", ", ,", "bearer.",
        "/v1/sessions/", "/media", "?token=", "&token=", "%00", "%0d%0a", "..", "#", "*", "http://a/", "\t", "é"
    )

    func generate(_ random: inout Random) -> [UInt8] {
        let paths = [
            "/v1/sessions/k7-Zq_0/media", "/v1/sessions/k7-Zq_0/media?token=abc", "/v1/sessions//media", "/", "/x?",
        ]
        let method = random.pick(["GET", "GET", "GET", "OPTIONS", "POST", "get", "G"], or: "GET")
        var text = "\(method) \(random.pick(paths, or: "/")) HTTP/1.1\r\nHost: a.example\r\n"
        var headers = [
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: voiced.v1, bearer.a.b.c",
        ]
        let more = [
            "Origin: https://interviews.example", "Origin: https://evil.example", "User-Agent: x", "Cookie: a=b",
            "Authorization: Bearer a.b.c", "Authorization: Basic eDp5", "Content-Length: 0", "Content-Length: 7",
            "Sec-WebSocket-Protocol: voiced.v1", "Sec-WebSocket-Protocol: ,,voiced.v1,", "Accept-Language: de",
            "Upgrade: h2c, websocket", "Sec-WebSocket-Version: 8", "X-Empty:", "Sec-WebSocket-Key: short",
        ]
        for _ in 0..<random.below(4) { headers.append(random.pick(more, or: "")) }
        if random.chance(oneIn: 3) { headers.remove(at: random.below(headers.count)) }
        if random.chance(oneIn: 30) { headers += (0..<random.below(70)).map { "x-\($0): \($0)" } }
        if random.chance(oneIn: 30) { headers.append("x: " + String(repeating: "y", count: random.below(9_000))) }
        for header in headers { text += header + "\r\n" }
        return Array((text + "\r\n").utf8) + (random.chance(oneIn: 4) ? random.bytes(random.below(20)) : [])
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let bytes = [UInt8](input)
        let first = Self.parse(bytes)
        try expect(first == Self.parse(bytes), "the same bytes give the same answer")
        switch first {
        case .fault: return .refused
        case .incomplete:
            try expect(bytes.count < RequestHead.Limits.bytes, "an incomplete head is not waited for beyond the limit")
            return .refused
        case .head(let head, let length):
            try check(head, length, bytes)
            for door in doors { try check(JoinRequest.read(head, settings: door), head, door) }
            return .accepted
        }
    }

    private enum Parsed: Equatable {
        case fault(RequestHead.Fault)
        case incomplete
        case head(RequestHead, Int)
    }

    private static func parse(_ bytes: [UInt8]) -> Parsed {
        do throws(RequestHead.Fault) {
            guard let (head, length) = try RequestHead.parse(bytes) else { return .incomplete }
            return .head(head, length)
        } catch { return .fault(error) }
    }

    private func check(_ head: RequestHead, _ length: Int, _ bytes: [UInt8]) throws(Broken) {
        try expect((4...min(RequestHead.Limits.bytes, bytes.count)).contains(length), "a head has at most its limit")
        try expect(head.headers.count <= RequestHead.Limits.headers, "a head has at most 64 headers")
        try expect(head.values("host").count == 1, "a head has one host")
        let announced = head.value("content-length") ?? "0"
        try expect(head.value("transfer-encoding") == nil && announced == "0", "a head announces no body")
        try expect(head.path.utf8.first == UInt8(ascii: "/"), "a path begins with a slash")
        for header in head.headers {
            try expect(!header.name.isEmpty && header.name == header.name.lowercased(), "names are lower case")
            try expect(header.value.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x09 }, "values hold no line break")
        }
        let whole = Array(bytes[..<length])
        try expect(Self.parse(whole) == .head(head, length), "a head does not depend on what follows")
        try expect(Self.parse(whole + [0x00, 0x0A]) == .head(head, length), "nor on nonsense that follows")
        for cut in [length - 1, length / 2, 1] {
            try expect(Self.parse(Array(whole[..<cut])) == .incomplete, "a prefix of a head is incomplete")
        }
        let again = Self.text(head)
        guard again.count <= RequestHead.Limits.bytes else { return }
        try expect(Self.parse(again) == .head(head, again.count), "written again it reads the same")
    }

    private static func text(_ head: RequestHead) -> [UInt8] {
        let query = head.query.map { "?\($0)" } ?? ""
        let lines = head.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("\(head.method) \(head.path)\(query) HTTP/1.1\r\n\(lines)\r\n".utf8)
    }

    // MARK: The decision

    private static let allowed: Set<String> = [
        "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "origin", "user-agent",
        "sec-websocket-protocol",
    ]

    private func check(
        _ verdict: JoinRequest.Verdict, _ head: RequestHead, _ door: AcceptorSettings
    ) throws(Broken) {
        let origin: String?
        switch verdict {
        case .ask(let request):
            origin = request.origin
            try expect(head.method == "GET", "only a GET asks")
            try expect(request.token.utf8.count <= JoinRequest.longestToken, "a token has at most its limit")
            try expect(head.path == "/v1/sessions/\(request.session)/media", "the session is the path's")
            if request.purpose == .join || request.purpose == .relayed { try checkForwarded(head) }
        case .preflight(let page): origin = page
        case .refuse(let refusal, let page):
            origin = page
            try expect((400...599).contains(refusal.status), "a refusal is one")
        }
        try expect(
            origin == nil || door.origins.contains("*") || door.origins.contains(origin ?? ""),
            "only a page on the list may read the answer")
        let answer = ClosingResponse.refusal(status: 401, code: "a", message: "b").readable(by: origin)
        let lines = String(decoding: answer.bytes, as: UTF8.self).components(separatedByLineEnd: "\r\n")
        try expect(lines.count == answer.headers.count + 7, "an answer has the lines that were put into it")
    }

    private func checkForwarded(_ head: RequestHead) throws(Broken) {
        let bytes = JoinRequest.forwardedHead(head)
        guard bytes.count <= RequestHead.Limits.bytes else { return }
        guard case .head(let forwarded, let length) = Self.parse(bytes) else {
            throw Broken("does not hold: the forwarded head is a head")
        }
        try expect(length == bytes.count && forwarded.query == nil, "nothing follows it, and it has no query")
        try expect(
            forwarded.values("sec-websocket-protocol") == [JoinRequest.subprotocol], "it has our subprotocol alone")
        try expect(forwarded.headers.allSatisfy { Self.allowed.contains($0.name) }, "it has no other headers")
    }
}

extension String {
    /// By bytes: to Swift, CR LF is one character.
    fileprivate func components(separatedByLineEnd end: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let found = rest.firstRange(of: end) {
            parts.append(rest[..<found.lowerBound])
            rest = rest[found.upperBound...]
        }
        return parts + [rest]
    }
}
