import Glibc
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
    private let delivery: PartDelivery?
    private var layout: PartLayout
    private var files: [Int: (name: PartName, file: PartFile)] = [:]
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
        buffer: PacketBuffer, session: String, epoch: Int64, position: Int64, settings: RecorderSettings,
        delivery: PartDelivery?, logger: Logger
    ) {
        self.buffer = buffer
        self.session = session
        self.epoch = epoch
        self.settings = settings
        self.delivery = delivery
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
        case .silence(let part, let track, let units): files[part]?.file.appendSilence(units: units, track: track)
        case .packet(let part, let track): files[part]?.file.append(packet, units: units, track: track)
        case .close(let part, let length):
            attempt(part) { file throws(RecordingError) in try file.finish(length: length, durable: durable) }
            close(part)
        }
    }

    /// Nothing more is written to the part, whole or not.
    private func close(_ part: Int) {
        guard let name = files.removeValue(forKey: part)?.name else { return }
        delivery?.closed(name)
    }

    private func attempt(_ part: Int, _ body: (PartFile) throws(RecordingError) -> Void) {
        guard let file = files[part]?.file else { return }
        do {
            try body(file)
        } catch {
            close(part)
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
            while part + skipped < Self.mostParts {
                let name = PartName(session: session, epoch: epoch, number: part + skipped)
                if let file = try make(name, start: start) {
                    files[part] = (name, file)
                    try file.flush()
                    return
                }
                skipped += 1
            }
            buffer.fail()
        } catch {
            close(part)
            failed(error)
        }
    }

    /// Nil: the name is taken. The session's folder may go with its last delivered part at any moment: made again then.
    private func make(_ name: PartName, start: Int64) throws(RecordingError) -> PartFile? {
        for _ in 0..<3 {
            do {
                try makeFolder("\(settings.folder)/\(session)")
                return try PartFile(path: "\(settings.folder)/\(name.path)", writer: pages(name.number, start: start))
            } catch {
                guard error.number == ENOENT else { throw error }
            }
        }
        return try PartFile(path: "\(settings.folder)/\(name.path)", writer: pages(name.number, start: start))
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
}
