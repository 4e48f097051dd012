import Foundation

/// A voice for machines without a speech synthesiser: a buzz with syllables, formants and pauses. Nobody understands
/// it, but detectors of speech take it for speech, and the same text always sounds the same.
package enum ToneVoice {
    package static let rate = 24_000
    private static let pitch = 118.0
    private static let peak = 9_000.0
    /// First and second formant of each vowel, Hz.
    private static let formants: [Character: (Double, Double)] = [
        "a": (730, 1_090), "e": (530, 1_840), "i": (270, 2_290), "o": (570, 840), "u": (300, 870), "y": (350, 2_000),
    ]

    package static func speak(_ text: String, speed: Double) -> [Int16] {
        var samples: [Int16] = []
        let pace = 1 / min(max(speed, 0.25), 1.5)
        for character in text.lowercased() {
            switch character {
            case " ": samples += silence(0.05 * pace)
            case ".", "!", "?": samples += silence(0.30 * pace)
            case ",", ";", ":": samples += silence(0.15 * pace)
            default:
                if let vowel = formants[character] {
                    samples += syllable(vowel, seconds: 0.11 * pace, from: samples.count)
                } else if character.isLetter || character.isNumber {
                    samples += syllable((400, 1_500), seconds: 0.035 * pace, from: samples.count)
                }
            }
        }
        return samples + silence(0.1)
    }

    private static func silence(_ seconds: Double) -> [Int16] {
        [Int16](repeating: 0, count: Int(seconds * Double(rate)))
    }

    private static func syllable(_ vowel: (Double, Double), seconds: Double, from start: Int) -> [Int16] {
        let count = Int(seconds * Double(rate))
        let harmonics = (1...20).map { number -> (frequency: Double, weight: Double) in
            let frequency = pitch * Double(number)
            return (frequency, resonance(frequency, vowel.0) + 0.5 * resonance(frequency, vowel.1))
        }
        let total = harmonics.reduce(0) { $0 + $1.weight }
        return (0..<count).map { index in
            let time = Double(start + index) / Double(rate)
            let envelope = sin(.pi * (Double(index) + 0.5) / Double(count)).squareRoot()
            let wave = harmonics.reduce(0) { $0 + $1.weight * sin(2 * .pi * $1.frequency * time) }
            return Int16(peak * envelope * wave / total)
        }
    }

    private static func resonance(_ frequency: Double, _ centre: Double) -> Double {
        1 / (1 + pow((frequency - centre) / 120, 2))
    }
}
