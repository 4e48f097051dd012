import Foundation

/// Converts between sample rates with a Kaiser-windowed sinc: 24 zero crossings each side, stop band below -80 dB.
/// Made for preparing a few minutes of speech before a run, not for a frame path.
package struct Resampler: Sendable {
    private let from: Int
    private let to: Int
    /// One side of the kernel, sampled `oversampling` times between zero crossings; read by linear interpolation.
    private let kernel: [Double]

    private static let zeroCrossings = 24
    private static let oversampling = 1_024
    /// Kaiser's β for about 80 dB.
    private static let beta = 8.0
    /// Where the pass band ends, of the lower of the two Nyquist rates: leaves room for the transition.
    private static let passBand = 0.94

    package init(from: Int, to: Int) {
        self.from = from
        self.to = to
        let last = Self.zeroCrossings * Self.oversampling
        kernel = (0...last + 1).map { index in
            let x = Double(index) / Double(Self.oversampling)
            let edge = min(1, x / Double(Self.zeroCrossings))
            let window = Self.bessel(Self.beta * (1 - edge * edge).squareRoot()) / Self.bessel(Self.beta)
            return (index == 0 ? 1 : sin(.pi * x) / (.pi * x)) * window
        }
    }

    package func convert(_ input: [Float]) -> [Float] {
        if from == to || input.isEmpty { return input }
        let cutoff = Self.passBand * min(1, Double(to) / Double(from))
        let reach = Double(Self.zeroCrossings) / cutoff
        let count = Int((Double(input.count) * Double(to) / Double(from)).rounded(.up))
        return (0..<count).map { index in
            let centre = Double(index) * Double(from) / Double(to)
            let first = max(0, Int((centre - reach).rounded(.up)))
            let last = min(input.count - 1, Int((centre + reach).rounded(.down)))
            guard first <= last else { return 0 }
            var sum = 0.0
            for at in first...last { sum += Double(input[at]) * weight(abs(Double(at) - centre) * cutoff) }
            return Float(sum * cutoff)
        }
    }

    private func weight(_ x: Double) -> Double {
        let position = x * Double(Self.oversampling)
        let index = Int(position)
        guard index + 1 < kernel.count else { return 0 }
        let fraction = position - Double(index)
        return kernel[index] * (1 - fraction) + kernel[index + 1] * fraction
    }

    /// Modified Bessel function of the first kind and order 0, by its power series.
    private static func bessel(_ x: Double) -> Double {
        var sum = 1.0
        var term = 1.0
        var k = 1.0
        while term > sum * 1e-12 {
            term *= (x / (2 * k)) * (x / (2 * k))
            sum += term
            k += 1
        }
        return sum
    }

    /// Rounded to 16 bits, clipped rather than wrapped.
    package static func samples16(_ input: [Float]) -> [Int16] {
        input.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
    }
}
