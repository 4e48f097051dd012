import Foundation

/// Changes the rate of sound by a ratio of whole numbers: a windowed sine cardinal, one set of coefficients for each
/// position that an output sample can have between two input samples.
package struct Resampler: Sendable {
    /// Half the length of the filter in zero crossings; 24 keep images 80 dB down.
    private static let crossings = 24
    /// Of the Kaiser window.
    private static let beta = 8.0
    /// How much of the band below the lower Nyquist frequency passes.
    private static let passband = 0.94

    private let up: Int
    private let down: Int
    private let half: Int
    /// `phases[p][k]` weighs the input sample `k - half` away from the output sample.
    private let phases: [[Float]]

    package init(from source: Int, to target: Int) {
        var (a, b) = (source, target)
        while b != 0 { (a, b) = (b, a % b) }
        let divisor = max(a, 1)
        up = max(target / divisor, 1)
        down = max(source / divisor, 1)
        let cutoff = Self.passband * min(1, Double(up) / Double(down))
        let half = Int((Double(Self.crossings) / cutoff).rounded(.up))
        self.half = half
        let up = self.up
        phases = (0..<up).map { phase in
            let shift = Double(phase) / Double(up)
            let weights = (0...(2 * half)).map { index -> Double in
                let distance = Double(index - half) - shift
                return cutoff * Self.sinc(distance * cutoff) * Self.kaiser(distance / Double(half + 1))
            }
            // Each phase passes a constant unchanged: without this the phases differ by a faint tone.
            let gain = weights.reduce(0, +)
            return weights.map { Float($0 / gain) }
        }
    }

    package func resample(_ input: [Int16]) -> [Int16] {
        guard up != down else { return input }
        let padded = [Float](repeating: 0, count: half) + input.map(Float.init) + [Float](repeating: 0, count: half + 1)
        let count = input.count * up / down
        return (0..<count).map { index in
            let position = index * down
            let weights = phases[position % up]
            let first = position / up
            var sum: Float = 0
            for tap in 0..<weights.count where first + tap < padded.count { sum += weights[tap] * padded[first + tap] }
            return Int16(max(-32_768, min(32_767, sum.rounded())))
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }

    private static func kaiser(_ x: Double) -> Double {
        abs(x) >= 1 ? 0 : bessel(beta * (1 - x * x).squareRoot()) / bessel(beta)
    }

    /// The modified Bessel function of order zero by its series.
    private static func bessel(_ x: Double) -> Double {
        var sum = 1.0
        var term = 1.0
        for k in 1...32 {
            term *= (x / 2 / Double(k)) * (x / 2 / Double(k))
            sum += term
        }
        return sum
    }
}
