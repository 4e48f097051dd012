import NIOCore

/// The input audio buffer: what was appended and not yet committed, and where it lies in the session's time.
///
/// Positions count samples since the first one appended. Bytes are kept only so far back as `keptBytes` says;
/// durations, which are billed, are always exact.
package struct InputBuffer: Sendable {
    package private(set) var format: AudioFormat
    /// Samples appended so far.
    package private(set) var position = 0
    /// The first sample that is not committed.
    package private(set) var start = 0
    private var kept: [UInt8] = []
    private var oddByte: UInt8?

    package init(format: AudioFormat) { self.format = format }

    /// Switches the format: positions stay where they are in time.
    package mutating func change(to format: AudioFormat) {
        guard format != self.format else { return }
        position = position * format.rate / self.format.rate
        self.format = format
        start = position
        kept = []
        oddByte = nil
    }

    /// Takes what a client appended and returns its samples. Half a sample waits for its other half.
    package mutating func append(_ bytes: [UInt8], keeping keptBytes: Int) -> [Int16] {
        var bytes = bytes
        if let odd = oddByte {
            bytes.insert(odd, at: 0)
            oddByte = nil
        }
        if bytes.count % format.bytesPerSample != 0 { oddByte = bytes.removeLast() }
        let samples = bytes.withUnsafeBytes { format.samples(of: $0) }
        position += samples.count
        kept += bytes
        // Trimming moves bytes, so it waits until it is worth it.
        if kept.count > max(keptBytes * 2, 65_536) {
            kept.removeFirst((kept.count - keptBytes) / format.bytesPerSample * format.bytesPerSample)
        }
        return samples
    }

    package func milliseconds(at position: Int) -> Int { position * 1_000 / format.rate }
    package func samples(in milliseconds: Int) -> Int { milliseconds * format.rate / 1_000 }

    /// Takes the samples from `first` on, clipped to what is there, and empties the buffer up to `end`.
    package mutating func commit(from first: Int, to end: Int) -> (from: Int, to: Int, audio: ByteBuffer) {
        let end = min(max(end, start), position)
        let first = min(max(first, start), end)
        let keptStart = position - kept.count / format.bytesPerSample
        let from = max(0, first - keptStart) * format.bytesPerSample
        let to = max(0, end - keptStart) * format.bytesPerSample
        let audio = ByteBuffer(bytes: kept[min(from, to)..<to])
        kept.removeFirst(to)
        start = end
        return (first, end, audio)
    }

    package mutating func clear() {
        start = position
        kept = []
    }
}
