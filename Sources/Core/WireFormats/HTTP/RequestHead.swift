/// An HTTP/1.1 request head (RFC 9112), read strictly: whatever two readers could understand differently is refused,
/// because another one may stand in front of us.
package struct RequestHead: Sendable, Equatable {
    package enum Limits {
        /// Request line, headers and the empty line.
        package static let bytes = 8_192
        package static let headers = 64
    }

    package enum Fault: Error, Sendable, Hashable {
        /// Answered 400.
        case malformed
        /// A header of which there may be one only. Answered 400.
        case repeated
        /// Answered 431.
        case tooLarge
        /// Not HTTP/1.1. Answered 505.
        case version
        /// A GET with a body: not answered with anything but 400, the rest of the line would be read as a request.
        case body
    }

    package struct Header: Sendable, Equatable {
        /// Lower case.
        package var name: String
        /// Without the white space around it.
        package var value: String
    }

    package var method: String
    /// As it came, not decoded.
    package var path: String
    /// Behind the first `?`, as it came.
    package var query: String?
    package var headers: [Header]

    /// Reads the head at the beginning of `bytes`; nil while it is not complete. `length`: where it ends.
    package static func parse(_ bytes: [UInt8]) throws(Fault) -> (head: RequestHead, length: Int)? {
        // Something else altogether (TLS, a port scanner) need not be waited for.
        if let first = bytes.first, !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) { throw .malformed }
        guard let length = end(of: bytes) else {
            if bytes.count >= Limits.bytes { throw .tooLarge }
            return nil
        }
        guard length <= Limits.bytes else { throw .tooLarge }
        var lines = try lines(bytes[..<(length - 2)])
        guard !lines.isEmpty else { throw .malformed }
        var head = try requestLine(lines.removeFirst())
        guard lines.count <= Limits.headers else { throw .tooLarge }
        for line in lines { head.headers.append(try header(line)) }
        try head.check()
        return (head, length)
    }

    /// All values of a header that may be a list, in order (RFC 9110, 5.3).
    package func values(_ name: String) -> [String] {
        headers.filter { $0.name == name }.map(\.value)
    }

    package func value(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The comma-separated elements of all headers of this name, without empty ones.
    package func elements(_ name: String) -> [String] {
        values(name).flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).compactMap { element in
                let trimmed = Substring(element).trimmedOfBlanks
                return trimmed.isEmpty ? nil : String(trimmed)
            }
        }
    }

    // MARK: Reading

    private static let lineEnd: [UInt8] = [0x0d, 0x0a]

    private static func end(of bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where bytes[index] == 0x0d {
            if bytes[index + 1] == 0x0a, bytes[index + 2] == 0x0d, bytes[index + 3] == 0x0a { return index + 4 }
        }
        return nil
    }

    /// Only CR LF ends a line; a bare one of either, or a NUL, is how requests are smuggled.
    private static func lines(_ bytes: ArraySlice<UInt8>) throws(Fault) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x0d:
                guard index + 1 < bytes.endIndex, bytes[index + 1] == 0x0a else { throw .malformed }
                lines.append(bytes[start..<index])
                index += 2
                start = index
            case 0x0a, 0x00: throw .malformed
            default: index += 1
            }
        }
        guard start == bytes.endIndex else { throw .malformed }
        return lines
    }

    /// `GET /path?query HTTP/1.1`, single blanks, origin form only.
    private static func requestLine(_ line: ArraySlice<UInt8>) throws(Fault) -> RequestHead {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        let (method, target, version) = (parts[0], parts[1], parts[2])
        guard !method.isEmpty, method.count <= 16, method.allSatisfy(isToken) else { throw .malformed }
        guard target.first == UInt8(ascii: "/"), target.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .malformed
        }
        guard version.starts(with: Array("HTTP/".utf8)) else { throw .malformed }
        guard version.elementsEqual("HTTP/1.1".utf8) else { throw .version }
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        let query = path.endIndex < target.endIndex ? target[(path.endIndex + 1)...] : nil
        return RequestHead(
            method: text(method), path: text(path), query: query.map { text($0) }, headers: [])
    }

    private static func header(_ line: ArraySlice<UInt8>) throws(Fault) -> Header {
        // A line that begins with a blank continues the one before (obs-fold): refused, RFC 9112, 5.2.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { throw .malformed }
        let name = line[..<colon]
        guard name.allSatisfy(isToken) else { throw .malformed }
        let value = line[(colon + 1)...]
        guard value.allSatisfy({ ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }) else { throw .malformed }
        return Header(name: text(name).lowercased(), value: String(Substring(text(value)).trimmedOfBlanks))
    }

    private static let single: Set<String> = [
        "host", "authorization", "origin", "upgrade", "sec-websocket-key", "sec-websocket-version", "content-length",
        "transfer-encoding",
    ]

    private func check() throws(Fault) {
        var seen: Set<String> = []
        for header in headers where Self.single.contains(header.name) {
            guard seen.insert(header.name).inserted else { throw .repeated }
        }
        guard seen.contains("host") else { throw .malformed }
        if value("transfer-encoding") != nil { throw .body }
        if let length = value("content-length"), length != "0" { throw .body }
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension Substring {
    /// Blank and tab: the optional white space of RFC 9110, 5.6.3. By bytes, as every other reader sees them: to Swift a
    /// blank and the accent behind it are one character, and no blank.
    fileprivate var trimmedOfBlanks: Substring {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let head = utf8.drop(while: isBlank)
        guard let last = head.lastIndex(where: { !isBlank($0) }) else { return Substring(head.prefix(0)) }
        return Substring(head[...last])
    }
}
