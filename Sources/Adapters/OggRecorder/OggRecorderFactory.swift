import InterviewCore
import Logging
import Ports

/// Records conversations as two-track Ogg Opus files, the participant's track first. See `RecorderSettings` for names,
/// limits and pre-skips; each track's tags say session, epoch, part and start (`VOICED_START`, 48 kHz units since the
/// conversation began).
package final class OggRecorderFactory: RecorderFactory {
    private let settings: RecorderSettings
    private let writer: RecordingWriter
    private let delivery: PartDelivery?
    private let logger: Logger

    /// `objects`: where closed parts go, those too that an earlier process left in the folder; nil: they stay there.
    package init(
        settings: RecorderSettings, objects: (any ObjectStore)? = nil,
        delivery limits: DeliveryLimits = DeliveryLimits(),
        logger: Logger = Logger(label: "voiced.recorder")
    ) {
        self.settings = settings
        self.logger = logger
        writer = RecordingWriter(interval: settings.interval)
        delivery = objects.map {
            PartDelivery(folder: settings.folder, objects: $0, limits: limits, logger: logger)
        }
        delivery?.collectLeftovers()
    }

    package var waitingParts: Int { delivery?.pending ?? 0 }

    /// Returns when every closed part is in the object store, or after `patience`; the rest is found at the next start.
    package func deliver(within patience: Duration) async { await delivery?.settle(within: patience) }

    /// What happens after each interval, now, to all recordings.
    package func turn() async {
        await withCheckedContinuation { continuation in writer.turnNow { continuation.resume() } }
    }

    package func collectLeftBehind(of session: String) {
        guard Identifier.isPlain(session), let delivery else { return }
        Task.detached(priority: .utility) { delivery.collectLeftovers(of: session) }
    }

    /// Makes no file yet: a conversation without sound leaves none. An id that could leave the folder fails at once.
    package func open(session: String, epoch: Int64, startingAt position: Int64) -> any Recorder {
        openPart(session: session, epoch: epoch, startingAt: position)
    }

    func openPart(session: String, epoch: Int64, startingAt position: Int64) -> OggPartRecorder {
        let buffer = PacketBuffer()
        guard Identifier.isPlain(session) else {
            buffer.fail()
            _ = buffer.finish()
            return OggPartRecorder(buffer: buffer, writer: writer)
        }
        writer.add(
            buffer, session: session, epoch: epoch, position: position, settings: settings, delivery: delivery,
            logger: logger)
        return OggPartRecorder(buffer: buffer, writer: writer)
    }
}

/// The loop's end of a recording. Given up without `finish` (its session failed), the files are ended where the sound
/// ends.
package final class OggPartRecorder: Recorder {
    private let buffer: PacketBuffer
    private let writer: RecordingWriter

    init(buffer: PacketBuffer, writer: RecordingWriter) {
        self.buffer = buffer
        self.writer = writer
    }

    deinit {
        if buffer.finish() { writer.finish(buffer, at: nil) {} }
    }

    package var failed: Bool { buffer.failed }

    package func participant(_ packet: UnsafeRawBufferPointer, at position: Int64) {
        append(.participant, packet, at: position)
    }

    package func agent(_ packet: UnsafeRawBufferPointer, at position: Int64) {
        append(.agent, packet, at: position)
    }

    private func append(_ track: RecordedTrack, _ packet: UnsafeRawBufferPointer, at position: Int64) {
        if buffer.append(track, packet, at: position) == .handOver { writer.handOver(buffer) }
    }

    package func finish(at position: Int64) async {
        guard buffer.finish() else { return }
        await withCheckedContinuation { continuation in
            writer.finish(buffer, at: position) { continuation.resume() }
        }
    }

    /// All that was given so far is in the files, as after an interval. For tests and drills.
    package func settle() async {
        await withCheckedContinuation { continuation in
            writer.settle(buffer) { continuation.resume() }
        }
    }
}
