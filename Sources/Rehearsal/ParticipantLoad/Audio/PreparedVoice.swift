import InterviewCore

/// Speech made ready before a run: every 20 ms frame encoded once and shared by all participants, so that a thousand
/// of them cost no codec.
package struct PreparedVoice: Sendable {
    package struct Clip: Sendable {
        package var name: String
        /// Opus packets, or PCM s16le 24 kHz of 960 bytes.
        package var frames: [[UInt8]]
    }

    package let format: AudioFormat
    package let clips: [Clip]
    /// What a microphone hears of a quiet room: five seconds of noise at -66 dBFS, so that each frame differs from the
    /// next and a lost or doubled one shows in any comparison. No voice detector takes it for speech.
    package let room: [[UInt8]]

    package static let frame: Duration = .milliseconds(20)
    /// 48 kHz units in a frame.
    package static let frameUnits: UInt32 = 960
    package static let pcmRate = 24_000
    package static let opusRate = 48_000

    /// Speech in `format`; each clip is resampled, encoded by an encoder of its own and filled to whole frames with
    /// silence.
    package init(
        _ recordings: [(name: String, wave: WaveFile)], format: AudioFormat, encoder: VoiceEncoderSettings = .init()
    ) throws(ParticipantLoadError) {
        let rate = format == .opus ? Self.opusRate : Self.pcmRate
        var resamplers: [Int: Resampler] = [:]
        var made: [Clip] = []
        for (name, wave) in recordings {
            let resampler = resamplers[wave.rate] ?? Resampler(from: wave.rate, to: rate)
            resamplers[wave.rate] = resampler
            let samples = Resampler.samples16(resampler.convert(wave.samples))
            made.append(Clip(name: name, frames: try Self.frames(of: samples, format, rate: rate, encoder)))
        }
        var chance = SeededChance(seed: 5)
        let noise = (0..<rate * 5).map { _ in Int16.random(in: -16...16, using: &chance) }
        room = try Self.frames(of: noise, format, rate: rate, encoder)
        self.format = format
        clips = made
    }

    package func payload(_ source: FrameSource) -> [UInt8] {
        switch source {
        case .speech(let clip, let frame): clips[clip].frames[frame]
        case .room(let frame): room[frame % room.count]
        }
    }

    private static func frames(
        of samples: [Int16], _ format: AudioFormat, rate: Int, _ settings: VoiceEncoderSettings
    ) throws(ParticipantLoadError) -> [[UInt8]] {
        let samplesPerFrame = rate / 50
        var padded = samples
        let over = samples.count % samplesPerFrame
        if over > 0 { padded.append(contentsOf: repeatElement(0, count: samplesPerFrame - over)) }
        let pieces = stride(from: 0, to: padded.count, by: samplesPerFrame).map { padded[$0..<$0 + samplesPerFrame] }
        switch format {
        case .pcm: return pieces.map { LittleEndian.bytes($0) }
        case .opus: return try VoiceEncoder.encode(pieces.map(Array.init), rate: rate, settings)
        }
    }
}

/// 16-bit samples and their bytes.
package enum LittleEndian {
    package static func bytes(_ samples: some Sequence<Int16>) -> [UInt8] {
        samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    /// An odd last byte is left out.
    package static func samples(_ bytes: [UInt8]) -> [Int16] {
        stride(from: 0, to: bytes.count - 1, by: 2).map {
            Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
        }
    }
}
