import Dispatch
import Logging

/// The one thread that writes recordings: a serial queue of Dispatch, neither a loop nor Swift's pool, so that a slow disk
/// delays nothing but files. Each interval it empties the buffers of all recordings and writes whole pages.
///
/// `@unchecked Sendable`: `recordings` and what they hold are touched on `queue` alone.
final class RecordingWriter: @unchecked Sendable {
    private let queue = DispatchQueue(label: "voiced.recorder", qos: .utility)
    private let timer: any DispatchSourceTimer
    private var recordings: [ObjectIdentifier: Recording] = [:]

    init(interval: Duration) {
        timer = DispatchSource.makeTimerSource(queue: queue)
        let (seconds, attoseconds) = interval.components
        let milliseconds = max(10, Int(clamping: seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
        timer.schedule(
            deadline: .now() + .milliseconds(milliseconds), repeating: .milliseconds(milliseconds),
            leeway: .milliseconds(milliseconds / 10))
        timer.setEventHandler { [weak self] in self?.turn() }
        timer.activate()
    }

    deinit { timer.cancel() }

    private func turn() {
        for recording in recordings.values {
            recording.drain()
            recording.flush()
        }
    }

    func add(
        _ buffer: PacketBuffer, session: String, epoch: Int64, position: Int64, settings: RecorderSettings,
        delivery: PartDelivery?, logger: Logger
    ) {
        queue.async { [self] in
            recordings[ObjectIdentifier(buffer)] = Recording(
                buffer: buffer, session: session, epoch: epoch, position: position, settings: settings,
                delivery: delivery, logger: logger)
        }
    }

    /// Empties the buffer now.
    func handOver(_ buffer: PacketBuffer) {
        queue.async { [self] in recordings[ObjectIdentifier(buffer)]?.drain() }
    }

    /// What a turn does, at once, for one recording.
    func settle(_ buffer: PacketBuffer, _ done: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            let recording = recordings[ObjectIdentifier(buffer)]
            recording?.drain()
            recording?.flush()
            done()
        }
    }

    /// Empties and writes everything now, as after an interval.
    func turnNow(_ done: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            turn()
            done()
        }
    }

    func finish(_ buffer: PacketBuffer, at position: Int64?, _ done: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            recordings.removeValue(forKey: ObjectIdentifier(buffer))?.finish(at: position)
            done()
        }
    }
}
