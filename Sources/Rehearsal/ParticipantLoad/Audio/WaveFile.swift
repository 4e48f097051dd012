/// A RIFF/WAVE file's samples, mixed to mono, as floats of -1…1. Linear PCM of 8 or 16 bits, mono or stereo, at any
/// rate of 4 to 192 kHz: what speech corpora and telephone prompts come in. Everything else is a typed fault.
package struct WaveFile: Sendable {
    package let rate: Int
    package let samples: [Float]

    package static let largestFileBytes = 64 << 20

    package init(path: String) throws(ParticipantLoadError) {
        let bytes = try FileBytes.read(path, limit: Self.largestFileBytes)
        guard let bytes else { throw .wave(path: path, .tooBig) }
        do throws(WaveFault) {
            try self.init(bytes: bytes)
        } catch {
            throw .wave(path: path, error)
        }
    }

    package init(bytes: [UInt8]) throws(WaveFault) {
        guard bytes.count >= 12, Self.tag(bytes, 0) == "RIFF", Self.tag(bytes, 8) == "WAVE" else { throw .notRIFF }
        var format: Format?
        var at = 12
        while at + 8 <= bytes.count {
            let kind = Self.tag(bytes, at)
            let start = at + 8
            // A length beyond the end is what streaming writers leave behind: the chunk goes to the end of the file.
            let length = min(Int(Self.word(bytes, at + 4)), bytes.count - start)
            switch kind {
            case "fmt ": format = try Format(bytes[start..<start + length])
            case "data":
                guard let format else { throw .noFormat }
                let mixed = format.mono(bytes[start..<start + length])
                guard !mixed.isEmpty else { throw .noData }
                rate = format.rate
                samples = mixed
                return
            default: break
            }
            at = start + length + (length & 1)
        }
        throw format == nil ? .noFormat : .noData
    }

    private static func tag(_ bytes: [UInt8], _ at: Int) -> String {
        String(decoding: bytes[at..<at + 4], as: UTF8.self)
    }

    fileprivate static func word(_ bytes: some RandomAccessCollection<UInt8>, _ at: Int) -> UInt32 {
        let start = bytes.index(bytes.startIndex, offsetBy: at)
        return bytes[start...].prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}

extension WaveFault: Error {}

/// The `fmt ` chunk.
private struct Format {
    let rate: Int
    let channels: Int
    let bytesPerSample: Int

    init(_ chunk: ArraySlice<UInt8>) throws(WaveFault) {
        guard chunk.count >= 16 else { throw .noFormat }
        func short(_ at: Int) -> Int {
            Int(chunk[chunk.startIndex + at]) | Int(chunk[chunk.startIndex + at + 1]) << 8
        }
        // WAVE_FORMAT_EXTENSIBLE (0xFFFE) carries the real tag as the first two bytes of its GUID.
        var tag = short(0)
        if tag == 0xFFFE, chunk.count >= 26 { tag = short(24) }
        guard tag == 1 else { throw .encoding }
        channels = short(2)
        guard (1...2).contains(channels) else { throw .channels }
        rate = Int(WaveFile.word(chunk, 4))
        guard (4_000...192_000).contains(rate) else { throw .rate }
        switch short(14) {
        case 8: bytesPerSample = 1
        case 16: bytesPerSample = 2
        default: throw .bits
        }
    }

    func mono(_ data: ArraySlice<UInt8>) -> [Float] {
        let bytesPerFrame = channels * bytesPerSample
        let frames = data.count / bytesPerFrame
        return (0..<frames).map { frame in
            let at = data.startIndex + frame * bytesPerFrame
            let sum = (0..<channels).reduce(Float(0)) { $0 + sample(data, at + $1 * bytesPerSample) }
            return sum / Float(channels)
        }
    }

    /// 8-bit WAV is unsigned around 128, 16-bit is signed little-endian.
    private func sample(_ data: ArraySlice<UInt8>, _ at: Int) -> Float {
        if bytesPerSample == 1 { return (Float(data[at]) - 128) / 128 }
        let bits = UInt16(data[at]) | UInt16(data[at + 1]) << 8
        return Float(Int16(bitPattern: bits)) / 32_768
    }
}
