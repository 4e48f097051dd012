import NIOCore

/// One text spoken: the sound in the session's format, cut into deltas whose base64 text is made once, and when each
/// word begins.
package struct Phrase: Sendable {
    package struct Delta: Sendable {
        /// Base64 text as it stands in the event.
        package var text: ByteBuffer
        /// Of sound.
        package var bytes: Int
    }
    package struct Word: Sendable, Equatable {
        /// With the space before it, so that deltas joined give the text.
        package var text: String
        package var startMilliseconds: Int
    }
    package var text: String
    package var format: AudioFormat
    package var sound: ByteBuffer
    package var deltas: [Delta]
    package var words: [Word]

    package var milliseconds: Int { sound.readableBytes / format.bytesPerMillisecond }

    /// `deltaBytes` is meant for 24 kHz PCM; other formats get deltas of the same duration.
    package init(text: String, samples: [Int16], format: AudioFormat, deltaBytes: Int) {
        let bytes = format.bytes(of: samples)
        let whole = max(deltaBytes * format.bytesPerMillisecond / AudioFormat.pcm.bytesPerMillisecond, 2)
        let step = whole - whole % format.bytesPerSample
        self.text = text
        self.format = format
        sound = ByteBuffer(bytes: bytes)
        deltas = stride(from: 0, to: bytes.count, by: step).map { start in
            let end = min(start + step, bytes.count)
            return bytes[start..<end].withUnsafeBytes { part in
                Delta(text: ByteBuffer(bytes: Base64.encode(part)), bytes: part.count)
            }
        }
        words = Self.words(of: text, within: bytes.count / format.bytesPerMillisecond)
    }

    /// The text up to a moment of the sound: the words that had begun by then.
    package func heard(upTo milliseconds: Int) -> String {
        words.prefix { $0.startMilliseconds < milliseconds }.map(\.text).joined()
    }

    /// Words share the time by their length: close enough for a transcript that runs beside the sound.
    package static func words(of text: String, within milliseconds: Int) -> [Word] {
        var words: [Word] = []
        let total = max(text.count, 1)
        var offset = 0
        for (index, part) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            words.append(Word(text: (index == 0 ? "" : " ") + part, startMilliseconds: milliseconds * offset / total))
            offset += part.count + 1
        }
        return words
    }
}
