/// The little that has to be known of another voiced's answer: its status, and where its head and body end.
package struct ResponseHead: Sendable, Hashable {
    package enum Limits {
        /// Status line, headers and the empty line.
        package static let bytes = 8_192
    }

    package enum Fault: Error, Sendable, Hashable {
        case malformed
        case tooLarge
    }

    package var status: Int
    /// Bytes from the beginning to the end of the empty line.
    package var length: Int
    /// Nil: the body ends with the connection.
    package var contentLength: Int?
    /// Seconds; nil: none, or a date.
    package var retryAfter: Int?

    package init(status: Int, length: Int, contentLength: Int? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.length = length
        self.contentLength = contentLength
        self.retryAfter = retryAfter
    }

    /// Reads the head at the beginning of `bytes`; nil while it is not complete.
    package static func parse(_ bytes: [UInt8]) throws(Fault) -> ResponseHead? {
        // Something else altogether need not be waited for.
        guard zip(bytes, "HTTP/1.1 ".utf8).allSatisfy({ $0 == $1 }) else { throw .malformed }
        guard let length = end(of: bytes) else {
            if bytes.count >= Limits.bytes { throw .tooLarge }
            return nil
        }
        guard length <= Limits.bytes else { throw .tooLarge }
        let lines = String(decoding: bytes[..<(length - 4)], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        guard let statusLine = lines.first, let status = status(in: statusLine) else { throw .malformed }
        var head = ResponseHead(status: status, length: length)
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed }
            let text = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "content-length":
                guard head.contentLength == nil, let count = Int(text), count >= 0 else { throw .malformed }
                head.contentLength = count
            case "retry-after": head.retryAfter = Int(text).map { max(0, $0) }
            default: break
            }
        }
        return head
    }

    private static func end(of bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where bytes[index] == 0x0d {
            if bytes[index + 1] == 0x0a, bytes[index + 2] == 0x0d, bytes[index + 3] == 0x0a { return index + 4 }
        }
        return nil
    }

    /// `HTTP/1.1 200 OK`.
    private static func status(in line: Substring) -> Int? {
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[1].utf8.count == 3, let status = Int(parts[1]), status >= 100 else { return nil }
        return status
    }
}
