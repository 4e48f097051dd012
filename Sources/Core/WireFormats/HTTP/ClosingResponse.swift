/// The few answers that are given without an HTTP server: refusals at the door, and the door's answer to who asks first.
/// Always the last thing on their connection.
package struct ClosingResponse: Sendable, Equatable {
    package var status: Int
    /// Name and value, in the order they are written.
    package var headers: [(name: String, value: String)]
    /// JSON; empty for a status without a body.
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func == (left: ClosingResponse, right: ClosingResponse) -> Bool {
        left.status == right.status && left.body == right.body
            && left.headers.elementsEqual(right.headers) { $0.name == $1.name && $0.value == $1.value }
    }

    /// `{"code":…,"message":…}`. `retryAfter` in seconds.
    package static func refusal(
        status: Int, code: String, message: String, retryAfter: Int? = nil
    ) -> ClosingResponse {
        var writer = JSONWriter()
        writer.object {
            $0.member("code", code)
            $0.member("message", message)
        }
        var response = ClosingResponse(status: status, body: writer.bytes)
        if let retryAfter { response.headers.append(("Retry-After", String(retryAfter))) }
        return response
    }

    /// The answer to a plain GET that would be let in.
    package static var mayJoin: ClosingResponse {
        ClosingResponse(status: 200, body: Array(#"{"join":true}"#.utf8))
    }

    /// The answer to another process that asks about a session which this one runs.
    package static var mine: ClosingResponse { ClosingResponse(status: 200, body: mineBeginning + [UInt8(ascii: "}")]) }
    /// How its body begins, in later versions too.
    package static let mineBeginning = Array(#"{"mine":true"#.utf8)

    /// The answer to a browser that asks whether it may send a token from a page of `origin` (Fetch, 3.2.2).
    package static var preflight: ClosingResponse {
        ClosingResponse(
            status: 204,
            headers: [
                ("Access-Control-Allow-Methods", "GET"), ("Access-Control-Allow-Headers", "authorization"),
                ("Access-Control-Max-Age", "600"),
            ])
    }

    /// Lets the page of `origin`, which has been checked, read the answer.
    package func readable(by origin: String?) -> ClosingResponse {
        var response = self
        if let origin {
            response.headers.append(("Access-Control-Allow-Origin", origin))
            // Else a browser does not show `Retry-After` to the page.
            response.headers.append(("Access-Control-Expose-Headers", "Retry-After"))
        }
        response.headers.append(("Vary", "Origin"))
        return response
    }

    package var bytes: [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
        if !body.isEmpty { text += "Content-Type: application/json\r\n" }
        // RFC 9110, 8.6: none with a 204.
        if status != 204 { text += "Content-Length: \(body.count)\r\n" }
        for header in headers { text += "\(header.name): \(header.value)\r\n" }
        text += "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        return Array(text.utf8) + body
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 421: "Misdirected Request"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
