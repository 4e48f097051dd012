import InterviewCore
import Ports

/// Turns PCM of any packet length into 20 ms Opus packets for the recording: sound that did not come as Opus is encoded
/// once, by us. Not Sendable: it lives inside one session.
struct PCMRecording {
    private let codecs: any AudioCodecs
    private let rate: Int
    private let frame: Int
    private var encoder: (any AudioEncoder)?
    private var pending: [Int16] = []
    /// Of the first pending sample, 48 kHz units.
    private var position: Int64 = 0
    private var packet = [UInt8](repeating: 0, count: 1_276)

    init(codecs: any AudioCodecs, rate: Int) {
        self.codecs = codecs
        self.rate = rate
        frame = rate / 50
    }

    /// A gap before `start` ends the frame that was begun: it is filled up with silence.
    mutating func add(
        _ samples: UnsafeBufferPointer<Int16>, at start: Int64, _ body: (UnsafeRawBufferPointer, Int64) -> Void
    ) {
        let expected = position + units(of: pending.count)
        if pending.isEmpty {
            position = start
        } else if abs(start - expected) >= AudioUnits.grain {
            finish(body)
            position = start
        }
        pending.append(contentsOf: samples)
        while pending.count >= frame {
            encode(body)
            pending.removeFirst(frame)
            position += AudioUnits.perFrame
        }
    }

    /// Encodes what is left.
    mutating func finish(_ body: (UnsafeRawBufferPointer, Int64) -> Void) {
        guard !pending.isEmpty else { return }
        pending.append(contentsOf: repeatElement(0, count: frame - pending.count))
        encode(body)
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func encode(_ body: (UnsafeRawBufferPointer, Int64) -> Void) {
        do {
            if encoder == nil { encoder = try codecs.makeEncoder(rate: rate) }
            guard let encoder else { return }
            let count = try encoder.encode(pending, count: frame, into: &packet)
            packet.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count]), position) }
        } catch {
            // Twenty milliseconds of the recording stay silent; the conversation does not notice.
            return
        }
    }

    private func units(of samples: Int) -> Int64 { Int64(samples) * AudioUnits.perSecond / Int64(rate) }
}
