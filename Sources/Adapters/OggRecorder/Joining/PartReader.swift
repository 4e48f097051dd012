import Foundation
import InterviewCore
import WireFormats

/// Reads parts from the disk, one at a time.
enum PartReader {
    /// Bytes of a part: two tracks of a minute at Opus' highest rate are 8 MB.
    static let longestPart = 32 * 1_024 * 1_024

    /// Nil: not there, too long, or no part of ours.
    static func contents(_ path: String) -> OggContents? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: longestPart + 1), data.count <= longestPart else { return nil }
        let contents = OggContents([UInt8](data))
        return contents.tracks.isEmpty ? nil : contents
    }

    /// Nil: it cannot be read, or its tags do not say where it begins.
    static func facts(_ name: PartName, at path: String) -> PartFacts? {
        guard let contents = contents(path),
            let start = contents.tracks.lazy.compactMap({ $0.tags?["VOICED_START"].flatMap { Int64($0) } }).first
        else { return nil }
        return PartFacts(
            name: name, path: path, start: start,
            length: contents.tracks.map { length($0) }.max() ?? 0,
            isWhole: contents.tracks.count == RecordedTrack.allCases.count
                && contents.tracks.allSatisfy(\.ended) && contents.tornBytes == 0,
            lostPages: contents.tracks.reduce(0) { $0 + $1.lostPages })
    }

    /// Without a last page nothing says where the track ends but its last packet.
    private static func length(_ track: OggContents.Track) -> Int64 {
        if track.ended { return track.length }
        return track.packets.last.map { max(0, $0.start &+ $0.units) } ?? 0
    }

    /// The packets of a part by track, in the order of `RecordedTrack`, each with its place in the conversation.
    /// Silence that filled a gap is left out: whoever puts parts together fills gaps anew.
    static func packets(
        of part: PartFacts, before end: Int64
    ) -> (tracks: [[(place: Int64, packet: OggContents.Packet)]], preSkips: [UInt16])? {
        guard let contents = contents(part.path) else { return nil }
        var tracks: [[(place: Int64, packet: OggContents.Packet)]] = []
        var preSkips: [UInt16] = []
        for kind in RecordedTrack.allCases {
            let track = contents.tracks.first { $0.tags?["TITLE"] == kind.name }
            let packets = track?.packets ?? []
            preSkips.append(track?.head.preSkip ?? 0)
            tracks.append(
                packets.compactMap { packet in
                    let place = part.start &+ packet.start
                    guard packet.units > 0, place >= part.start, place < end, !isFiller(packet.bytes) else {
                        return nil
                    }
                    return (place, packet)
                })
        }
        return (tracks, preSkips)
    }

    private static func isFiller(_ packet: [UInt8]) -> Bool {
        packet == OpusPacket.silence || OpusPacket.shorterSilences.contains { $0.packet == packet }
    }
}
