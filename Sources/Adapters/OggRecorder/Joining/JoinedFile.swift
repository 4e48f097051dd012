import Glibc
import InterviewCore
import WireFormats

/// The result, written as it grows: at most one part and a few pages are in memory. Appears under its name when it is
/// whole and on the disk.
final class JoinedFile {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var writer: OggOpusWriter
    private var buffer: [UInt8] = []
    private var isDone = false

    /// Bytes that are gathered before they are written.
    private static let chunk = 64 * 1_024

    init(path: String, session: String, preSkips: [UInt16]) throws(RecordingError) {
        self.path = path
        temporary = "\(path).\(getpid()).part"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RecordingError("open") }
        var serial = UInt32.random(in: 0...UInt32.max)
        let tracks = RecordedTrack.allCases.map { kind in
            serial &+= 1
            return OggOpusWriter.Track(
                serial: serial, head: OpusHead(preSkip: preSkips[kind.index]),
                tags: OpusTags(
                    vendor: "voiced",
                    comments: [
                        .init("TITLE", kind.name), .init("VOICED_SESSION", session), .init("VOICED_START", "0"),
                    ]))
        }
        writer = OggOpusWriter(tracks: tracks)
    }

    deinit {
        close(descriptor)
        if !isDone { unlink(temporary) }
    }

    /// The parts' packets in the order of time, each track filled with silence up to its next packet.
    func append(_ tracks: [[(place: Int64, packet: OggContents.Packet)]], until end: Int64) throws(RecordingError) {
        var next = [0, 0]
        func place(_ track: Int) -> Int64 {
            next[track] < tracks[track].count ? tracks[track][next[track]].place : end
        }
        while let track = (0..<2).filter({ next[$0] < tracks[$0].count }).min(by: { place($0) < place($1) }) {
            let now = place(track)
            try fill(to: [min(now, place(0)), min(now, place(1))])
            let packet = tracks[track][next[track]].packet
            next[track] += 1
            // What lies wholly behind the track's end has been said already.
            guard now + packet.units > writer.units(of: track) else { continue }
            packet.bytes.withUnsafeBytes { writer.append($0, units: packet.units, track: track) }
            try write(atLeast: Self.chunk)
        }
        try fill(to: [end, end])
    }

    /// Silence on each track up to its place, in steps of a second, so that the tracks stay together in the file.
    private func fill(to places: [Int64]) throws(RecordingError) {
        while true {
            let behind = (0..<2).filter { places[$0] - writer.units(of: $0) >= AudioUnits.grain }
            guard let track = behind.min(by: { writer.units(of: $0) < writer.units(of: $1) }) else { return }
            let missing = places[track] - writer.units(of: track)
            let step = min(missing - missing % AudioUnits.grain, AudioUnits.perSecond)
            writer.appendSilence(units: step, track: track)
            try write(atLeast: Self.chunk)
        }
    }

    /// Both tracks play to exactly `length`.
    func finish(length: Int64) throws(RecordingError) {
        for track in RecordedTrack.allCases { writer.finish(track: track.index, length: length) }
        writer.take(everything: true, into: &buffer)
        try write(atLeast: 0)
        guard fsync(descriptor) == 0 else { throw RecordingError("fsync") }
        guard rename(temporary, path) == 0 else { throw RecordingError("rename") }
        isDone = true
    }

    private func write(atLeast least: Int) throws(RecordingError) {
        writer.take(everything: false, into: &buffer)
        guard buffer.count >= least else { return }
        var offset = 0
        while offset < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw RecordingError("write") }
            offset += count
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
