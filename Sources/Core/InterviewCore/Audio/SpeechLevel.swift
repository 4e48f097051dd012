/// Whether a piece of sound is loud enough to be speech. A rough measure of our own: the provider's VAD decides about
/// turns, this one only about whether it should have noticed something.
package enum SpeechLevel {
    /// Root mean square of speech from about -40 dBFS up; a quiet room lies below -50.
    static let leastLevel = 328
    /// Every eighth sample is enough: 3 kHz at the provider's rate, above the voice's fundamental.
    static let stride = 8

    package static func isSpeech(_ samples: ArraySlice<Int16>) -> Bool {
        var sum = 0
        var count = 0
        var index = samples.startIndex
        while index < samples.endIndex {
            let value = Int(samples[index])
            sum += value * value
            count += 1
            index += stride
        }
        return count > 0 && sum >= leastLevel * leastLevel * count
    }
}
