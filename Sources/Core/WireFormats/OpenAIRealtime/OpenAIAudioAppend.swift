/// `input_audio_buffer.append`, assembled in the buffer it is sent from: one pass over the samples, no copy, no tree.
package enum OpenAIAudioAppend {
    /// What one event may hold, 15 MiB (OpenAI Realtime reference), in samples: 327 s.
    package static let maxSamples = 15 * 1_024 * 1_024 / 2

    private static let head: StaticString = "{\"type\":\"input_audio_buffer.append\",\"audio\":\""
    private static let tail: StaticString = "\"}"

    /// Exact length of the message for `samples` samples.
    package static func byteCount(samples: Int) -> Int {
        head.utf8CodeUnitCount + Base64.encodedCount(samples * 2) + tail.utf8CodeUnitCount
    }

    /// Writes the message and returns its length; 0 when `buffer` is shorter than `byteCount` or there are more samples
    /// than `maxSamples`.
    package static func encode(
        _ samples: UnsafeBufferPointer<Int16>, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let length = byteCount(samples: samples.count)
        guard samples.count <= maxSamples, buffer.count >= length else { return 0 }
        let headCount = head.utf8CodeUnitCount
        let tailStart = length - tail.utf8CodeUnitCount
        buffer.copyMemory(from: UnsafeRawBufferPointer(start: head.utf8Start, count: headCount))
        #if _endian(little)
            let bytes = UnsafeRawBufferPointer(samples)
            let written = Base64.encode(
                bytes, into: UnsafeMutableRawBufferPointer(rebasing: buffer[headCount..<tailStart]))
        #else
            let written = samples.map(\.littleEndian).withUnsafeBytes {
                Base64.encode($0, into: UnsafeMutableRawBufferPointer(rebasing: buffer[headCount..<tailStart]))
            }
        #endif
        guard written != nil else { return 0 }
        UnsafeMutableRawBufferPointer(rebasing: buffer[tailStart..<length])
            .copyMemory(from: UnsafeRawBufferPointer(start: tail.utf8Start, count: tail.utf8CodeUnitCount))
        return length
    }
}
