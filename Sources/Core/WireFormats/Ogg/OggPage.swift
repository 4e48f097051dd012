/// One page of an Ogg file (RFC 3533, section 6):
///
/// ```
///  0  "OggS" · 4 version 0 · 5 flags · 6 granule position (8, LE) · 14 serial (4) · 18 page number (4)
/// 22  checksum (4) · 26 number of segments · 27 their lengths · then the segments themselves
/// ```
package struct OggPage: Hashable, Sendable {
    package static let headerBytes = 27
    package static let mostSegments = 255
    /// 27 + 255 + 255 × 255.
    package static let longest = 65_307
    /// Granule position of a page on which no packet ends.
    package static let noGranule: Int64 = -1
    static let capture: [UInt8] = Array("OggS".utf8)

    /// The page begins with the rest of a packet of the page before.
    package var continued: Bool
    /// First page of its stream.
    package var beginning: Bool
    /// Last page of its stream.
    package var end: Bool
    package var granule: Int64
    package var serial: UInt32
    package var number: UInt32
    package var segments: [UInt8]
    package var body: [UInt8]

    package init(
        continued: Bool, beginning: Bool, end: Bool, granule: Int64, serial: UInt32, number: UInt32, segments: [UInt8],
        body: [UInt8]
    ) {
        self.continued = continued
        self.beginning = beginning
        self.end = end
        self.granule = granule
        self.serial = serial
        self.number = number
        self.segments = segments
        self.body = body
    }

    /// Appends the page's bytes, checksum included.
    package func write(into out: inout [UInt8]) {
        let start = out.count
        out.append(contentsOf: Self.capture)
        out.append(0)
        out.append((continued ? 1 : 0) | (beginning ? 2 : 0) | (end ? 4 : 0))
        out.appendLittleEndian(UInt64(bitPattern: granule))
        out.appendLittleEndian(serial)
        out.appendLittleEndian(number)
        out.appendLittleEndian(UInt32(0))
        out.append(UInt8(truncatingIfNeeded: segments.count))
        out.append(contentsOf: segments)
        out.append(contentsOf: body)
        let checksum = OggChecksum.of(out[start...])
        for byte in 0..<4 { out[start + 22 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
    }

    package enum Parsed: Hashable, Sendable {
        /// A page, and where the next one begins.
        case page(OggPage, next: Int)
        /// No page begins here, or its checksum is wrong.
        case notAPage
        /// The bytes end inside it.
        case truncated
    }

    /// Reads the page that begins at `start`.
    package static func parse(_ bytes: [UInt8], at start: Int) -> Parsed {
        guard start >= 0, start < bytes.count else { return .truncated }
        let present = bytes[start...].prefix(4)
        guard Array(present) == Array(capture.prefix(present.count)) else { return .notAPage }
        guard bytes.count - start >= headerBytes else { return .truncated }
        guard bytes[start + 4] == 0 else { return .notAPage }
        let count = Int(bytes[start + 26])
        let table = start + headerBytes
        guard bytes.count - table >= count else { return .truncated }
        let segments = Array(bytes[table..<table + count])
        let length = segments.reduce(0) { $0 + Int($1) }
        let body = table + count
        guard bytes.count - body >= length else { return .truncated }
        var whole = Array(bytes[start..<body + length])
        let stated = UInt32(truncatingIfNeeded: whole.littleEndian(at: 22, bytes: 4))
        for byte in 22..<26 { whole[byte] = 0 }
        guard OggChecksum.of(whole[...]) == stated else { return .notAPage }
        let flags = bytes[start + 5]
        let page = OggPage(
            continued: flags & 1 != 0, beginning: flags & 2 != 0, end: flags & 4 != 0,
            granule: Int64(bitPattern: whole.littleEndian(at: 6, bytes: 8)),
            serial: UInt32(truncatingIfNeeded: whole.littleEndian(at: 14, bytes: 4)),
            number: UInt32(truncatingIfNeeded: whole.littleEndian(at: 18, bytes: 4)),
            segments: segments, body: Array(bytes[body..<body + length]))
        return .page(page, next: body + length)
    }
}

/// Ogg's checksum: CRC-32 with polynomial 0x04C11DB7, not reflected, start 0, no final inversion.
package enum OggChecksum {
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index) << 24
        for _ in 0..<8 { value = value & 0x8000_0000 != 0 ? value << 1 ^ 0x04C1_1DB7 : value << 1 }
        return value
    }

    package static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value: UInt32 = 0
            for byte in bytes { value = value << 8 ^ table[Int(UInt8(truncatingIfNeeded: value >> 24) ^ byte)] }
            return value
        }
    }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        for byte in 0..<value.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }

    /// `bytes` (at most 8) from `index` on as a little-endian number; missing ones count as 0.
    func littleEndian(at index: Int, bytes: Int) -> UInt64 {
        var value: UInt64 = 0
        for byte in 0..<bytes where index + byte < count { value |= UInt64(self[index + byte]) << (8 * UInt64(byte)) }
        return value
    }
}
