import InterviewCore
import Logging
import WireFormats

/// One conversation's files, on the writer's thread: takes what its buffer has gathered and brings it to the disk.
/// A part that cannot be written is given up (the recording counts as failed); the next part tries again.
final class Recording {
    let buffer: PacketBuffer
    private let session: String
    private let epoch: Int64
    private let settings: RecorderSettings
    private let logger: Logger
    private var layout: PartLayout
    private var files: [Int: PartFile] = [:]
    /// Names taken by an earlier recorder of the same epoch.
    private var skipped = 0
    private var spare: [UInt8] = []

    /// Three years: far beyond any conversation, and far from overflow.
    private static let latestPosition: Int64 = 1 << 42
    /// Memory that is kept for the next run.
    private static let spareBytes = 32 * 1_024
    /// Names per epoch that are tried before giving up.
    private static let mostParts = 100_000

    init(
        buffer: PacketBuffer, session: String, epoch: Int64, position: Int64, settings: RecorderSettings, logger: Logger
    ) {
        self.buffer = buffer
        self.session = session
        self.epoch = epoch
        self.settings = settings
        self.logger = logger
        layout = PartLayout(beginning: max(0, position))
    }

    /// Moves what was gathered into the parts' pages.
    func drain() {
        buffer.take(&spare)
        defer { if spare.capacity > Self.spareBytes { spare = [] } }
        PacketBuffer.forEach(in: spare) { track, position, packet in
            guard let parsed = OpusPacket(packet) else { return }
            let units = Int64(parsed.units)
            let place = min(max(0, position), Self.latestPosition)
            for operation in layout.add(track, position: place, units: units) {
                perform(operation, packet: packet, units: units, durable: false)
            }
        }
    }

    /// Writes all pages, full or not.
    func flush() {
        for part in files.keys.sorted() {
            attempt(part) { file throws(RecordingError) in try file.flush() }
        }
    }

    func finish(at position: Int64?) {
        drain()
        for operation in layout.finish(at: position.map { min(max(0, $0), Self.latestPosition) }) {
            perform(operation, packet: UnsafeRawBufferPointer(start: nil, count: 0), units: 0, durable: true)
        }
    }

    private func perform(
        _ operation: PartLayout.Operation, packet: UnsafeRawBufferPointer, units: Int64, durable: Bool
    ) {
        switch operation {
        case .open(let part, let start): open(part, start: start)
        case .silence(let part, let track, let units): files[part]?.appendSilence(units: units, track: track)
        case .packet(let part, let track): files[part]?.append(packet, units: units, track: track)
        case .close(let part, let length):
            attempt(part) { file throws(RecordingError) in try file.finish(length: length, durable: durable) }
            files[part] = nil
        }
    }

    private func attempt(_ part: Int, _ body: (PartFile) throws(RecordingError) -> Void) {
        guard let file = files[part] else { return }
        do {
            try body(file)
        } catch {
            files[part] = nil
            failed(error)
        }
    }

    private func failed(_ error: RecordingError) {
        buffer.fail()
        logger.error(
            "recording part given up",
            metadata: ["session": "\(session)", "call": "\(error.call)", "error": "\(error.name)"])
    }

    private func open(_ part: Int, start: Int64) {
        do {
            let folder = settings.folder + "/" + session
            try makeFolder(folder)
            while part + skipped < Self.mostParts {
                let number = part + skipped
                let path = "\(folder)/\(Self.padded(epoch))-\(Self.padded(Int64(number))).ogg"
                if let file = try PartFile(path: path, writer: pages(number, start: start)) {
                    files[part] = file
                    try file.flush()
                    return
                }
                skipped += 1
            }
            buffer.fail()
        } catch {
            files[part] = nil
            failed(error)
        }
    }

    private func pages(_ number: Int, start: Int64) -> OggOpusWriter {
        var serial = UInt32.random(in: 0...UInt32.max)
        let tracks = RecordedTrack.allCases.map { track in
            serial &+= 1
            let preSkip = track == .participant ? settings.participantPreSkip : settings.agentPreSkip
            return OggOpusWriter.Track(
                serial: serial, head: OpusHead(preSkip: preSkip),
                tags: OpusTags(
                    vendor: "voiced",
                    comments: [
                        .init("TITLE", track.name), .init("VOICED_SESSION", session), .init("VOICED_EPOCH", "\(epoch)"),
                        .init("VOICED_PART", "\(number)"), .init("VOICED_START", "\(start)"),
                    ]))
        }
        return OggOpusWriter(tracks: tracks)
    }

    /// Six digits, so that names sort.
    private static func padded(_ number: Int64) -> String {
        let digits = String(max(0, number))
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
