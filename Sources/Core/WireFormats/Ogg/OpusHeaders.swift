/// First packet of an Opus stream in Ogg (RFC 7845, section 5.1). Mono, mapping family 0.
package struct OpusHead: Hashable, Sendable {
    package var channels: UInt8
    /// 48 kHz samples to drop after the start: what the encoder is late by.
    package var preSkip: UInt16
    /// Rate of what was encoded, for information.
    package var inputRate: UInt32
    /// Q7.8 decibels.
    package var gain: Int16

    package init(channels: UInt8 = 1, preSkip: UInt16, inputRate: UInt32 = 48_000, gain: Int16 = 0) {
        self.channels = channels
        self.preSkip = preSkip
        self.inputRate = inputRate
        self.gain = gain
    }

    static let magic: [UInt8] = Array("OpusHead".utf8)
    static let length = 19

    package var packet: [UInt8] {
        var bytes = Self.magic
        bytes.append(1)
        bytes.append(channels)
        bytes.appendLittleEndian(preSkip)
        bytes.appendLittleEndian(inputRate)
        bytes.appendLittleEndian(gain)
        bytes.append(0)
        return bytes
    }

    /// Nil: no Opus head, or of an incompatible version (over 15) or another mapping family.
    package init?(_ packet: [UInt8]) {
        guard packet.count >= Self.length, Array(packet.prefix(8)) == Self.magic, packet[8] < 16, packet[18] == 0
        else { return nil }
        channels = packet[9]
        preSkip = UInt16(truncatingIfNeeded: packet.littleEndian(at: 10, bytes: 2))
        inputRate = UInt32(truncatingIfNeeded: packet.littleEndian(at: 12, bytes: 4))
        gain = Int16(truncatingIfNeeded: packet.littleEndian(at: 16, bytes: 2))
    }
}

/// Second packet: who wrote it, and comments `KEY=value` (RFC 7845, section 5.2).
package struct OpusTags: Hashable, Sendable {
    package struct Comment: Hashable, Sendable {
        package var key: String
        package var value: String
        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }
    /// More than this in a file is not ours.
    package static let mostComments = 64

    package var vendor: String
    package var comments: [Comment]

    package init(vendor: String, comments: [Comment]) {
        self.vendor = vendor
        self.comments = comments
    }

    static let magic: [UInt8] = Array("OpusTags".utf8)

    package var packet: [UInt8] {
        var bytes = Self.magic
        bytes.appendCounted(vendor)
        bytes.appendLittleEndian(UInt32(truncatingIfNeeded: comments.count))
        for comment in comments { bytes.appendCounted("\(comment.key)=\(comment.value)") }
        return bytes
    }

    package init?(_ packet: [UInt8]) {
        guard Array(packet.prefix(8)) == Self.magic else { return nil }
        var index = 8
        guard let vendor = Self.counted(packet, &index), packet.count - index >= 4 else { return nil }
        let count = packet.littleEndian(at: index, bytes: 4)
        index += 4
        guard count <= UInt64(Self.mostComments) else { return nil }
        self.vendor = vendor
        comments = []
        for _ in 0..<Int(count) {
            guard let text = Self.counted(packet, &index) else { return nil }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            comments.append(Comment(String(parts[0]), String(parts[1])))
        }
    }

    /// The first comment with this key; keys are compared without case (RFC 7845).
    package subscript(key: String) -> String? {
        comments.first { $0.key.lowercased() == key.lowercased() }?.value
    }

    private static func counted(_ packet: [UInt8], _ index: inout Int) -> String? {
        guard packet.count - index >= 4 else { return nil }
        let length = packet.littleEndian(at: index, bytes: 4)
        index += 4
        guard length <= UInt64(packet.count - index) else { return nil }
        defer { index += Int(length) }
        return String(decoding: packet[index..<index + Int(length)], as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate mutating func appendCounted(_ text: String) {
        appendLittleEndian(UInt32(truncatingIfNeeded: text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
