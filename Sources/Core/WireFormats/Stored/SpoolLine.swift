import InterviewCore

/// One line of a journal spool: checksum, a space, JSON, a line feed. A line that a kill or a full disk has torn is told
/// by its checksum.
package struct SpoolLine: Hashable, Sendable, Codable {
    package enum What: Hashable, Sendable {
        case record(JournalRecord)
        case ended(EndEntry, sequence: Int64, activeMilliseconds: Int64, costMicros: Int64)
        case released(rejoinMilliseconds: Int64, activeMilliseconds: Int64, costMicros: Int64)
    }

    package var session: SessionID
    package var holder: Ownership
    package var what: What

    package init(session: SessionID, holder: Ownership, what: What) {
        self.session = session
        self.holder = holder
        self.what = what
    }

    private enum CodingKeys: String, CodingKey {
        case session, owner, epoch, sequence, kind, body
        case activeMilliseconds = "active_ms"
        case costMicros = "cost_micros"
        case rejoinMilliseconds = "rejoin_ms"
    }

    private static let ended = "ended"
    private static let released = "released"

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        session = try values.decode(SessionID.self, forKey: .session)
        holder = Ownership(
            owner: try values.decode(InstanceID.self, forKey: .owner),
            epoch: try values.decode(Int64.self, forKey: .epoch))
        let kind = try values.decode(String.self, forKey: .kind)
        switch kind {
        case Self.released:
            what = .released(
                rejoinMilliseconds: try values.decode(Int64.self, forKey: .rejoinMilliseconds),
                activeMilliseconds: try values.decode(Int64.self, forKey: .activeMilliseconds),
                costMicros: try values.decode(Int64.self, forKey: .costMicros))
        default:
            let sequence = try values.decode(Int64.self, forKey: .sequence)
            let body = try values.decode(String.self, forKey: .body)
            let stored = kind == Self.ended ? JournalEntry.Kind.end.rawValue : kind
            guard let entry = try JournalBody.entry(kind: stored, body: body) else {
                throw StoredValueError.unreadable(column: "kind")
            }
            if kind == Self.ended, case .end(let end) = entry {
                what = .ended(
                    end, sequence: sequence,
                    activeMilliseconds: try values.decode(Int64.self, forKey: .activeMilliseconds),
                    costMicros: try values.decode(Int64.self, forKey: .costMicros))
            } else {
                what = .record(
                    JournalRecord(session: session, epoch: holder.epoch, sequence: sequence, entry: entry))
            }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(session, forKey: .session)
        try values.encode(holder.owner, forKey: .owner)
        try values.encode(holder.epoch, forKey: .epoch)
        switch what {
        case .record(let record):
            try values.encode(record.entry.kind.rawValue, forKey: .kind)
            try values.encode(record.sequence, forKey: .sequence)
            try values.encode(try JournalBody.text(of: record.entry), forKey: .body)
        case .ended(let end, let sequence, let active, let cost):
            try values.encode(Self.ended, forKey: .kind)
            try values.encode(sequence, forKey: .sequence)
            try values.encode(try JournalBody.text(of: .end(end)), forKey: .body)
            try values.encode(active, forKey: .activeMilliseconds)
            try values.encode(cost, forKey: .costMicros)
        case .released(let window, let active, let cost):
            try values.encode(Self.released, forKey: .kind)
            try values.encode(window, forKey: .rejoinMilliseconds)
            try values.encode(active, forKey: .activeMilliseconds)
            try values.encode(cost, forKey: .costMicros)
        }
    }

    // MARK: Text

    /// With its checksum and line feed.
    package func bytes() throws(StoredValueError) -> [UInt8] {
        let json = Array(try StoredJSON.text(of: self).utf8)
        return Array(Self.hex(Self.checksum(json)).utf8) + [UInt8(ascii: " ")] + json + [UInt8(ascii: "\n")]
    }

    /// Reads a whole file; what cannot be read is left out and counted.
    package static func lines(of bytes: [UInt8]) -> (lines: [SpoolLine], unreadable: Int) {
        var lines: [SpoolLine] = []
        var unreadable = 0
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if let read = read(line) { lines.append(read) } else { unreadable += 1 }
        }
        return (lines, unreadable)
    }

    private static func read(_ line: ArraySlice<UInt8>) -> SpoolLine? {
        guard line.count > 9, line[line.startIndex + 8] == UInt8(ascii: " ") else { return nil }
        let json = Array(line[(line.startIndex + 9)...])
        guard String(decoding: line.prefix(8), as: UTF8.self) == hex(checksum(json)) else { return nil }
        return try? StoredJSON.value(SpoolLine.self, from: String(decoding: json, as: UTF8.self), column: "spool")
    }

    /// CRC-32 as in ISO 3309, bit by bit: a spool is written seldom.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return ~sum
    }

    private static func hex(_ sum: UInt32) -> String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
