/// How sound is written on the wire: `audio/pcm` is s16le mono at 24 kHz, the other two are G.711 at 8 kHz.
package enum AudioFormat: String, Sendable, Hashable {
    case pcm = "audio/pcm"
    case pcmu = "audio/pcmu"
    case pcma = "audio/pcma"

    /// Samples a second.
    package var rate: Int { self == .pcm ? 24_000 : 8_000 }
    package var bytesPerSample: Int { self == .pcm ? 2 : 1 }
    package var bytesPerMillisecond: Int { rate * bytesPerSample / 1_000 }
    /// What a session object says of it.
    package var json: JSON {
        self == .pcm ? ["type": "audio/pcm", "rate": 24_000] : ["type": .string(rawValue)]
    }

    /// Samples of `bytes`; a last odd byte of PCM is the caller's to carry over.
    package func samples(of bytes: UnsafeRawBufferPointer) -> [Int16] {
        switch self {
        case .pcm:
            [Int16](unsafeUninitializedCapacity: bytes.count / 2) { out, count in
                count = bytes.count / 2
                for index in 0..<count {
                    out[index] = Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
                }
            }
        case .pcmu: bytes.map { G711.linear(muLaw: $0) }
        case .pcma: bytes.map { G711.linear(aLaw: $0) }
        }
    }

    package func bytes(of samples: [Int16]) -> [UInt8] {
        switch self {
        case .pcm:
            var bytes: [UInt8] = []
            bytes.reserveCapacity(samples.count * 2)
            for sample in samples {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
            return bytes
        case .pcmu: return samples.map { G711.muLaw($0) }
        case .pcma: return samples.map { G711.aLaw($0) }
        }
    }
}

/// ITU-T G.711: a logarithm in eight bits, sign, three bits of exponent, four of mantissa.
package enum G711 {
    package static func muLaw(_ sample: Int16) -> UInt8 {
        let bias = 0x84
        let magnitude = min(Int(sample.magnitude), 32_635) + bias
        let exponent = max(0, 7 - (magnitude | 0xFF).leadingZeroBitCount + Int.bitWidth - 15)
        let mantissa = magnitude >> (exponent + 3) & 0x0F
        return ~UInt8(truncatingIfNeeded: (sample < 0 ? 0x80 : 0) | exponent << 4 | mantissa)
    }

    package static func linear(muLaw byte: UInt8) -> Int16 {
        let code = Int(~byte)
        let magnitude = ((code & 0x0F) << 3 + 0x84) << (code >> 4 & 7) - 0x84
        return Int16(truncatingIfNeeded: code & 0x80 != 0 ? -magnitude : magnitude)
    }

    package static func aLaw(_ sample: Int16) -> UInt8 {
        let magnitude = sample < 0 ? Int(~sample) : Int(sample)
        let exponent = max(0, Int.bitWidth - magnitude.leadingZeroBitCount - 8)
        let mantissa = magnitude >> (exponent == 0 ? 4 : exponent + 3) & 0x0F
        return UInt8(truncatingIfNeeded: (sample < 0 ? 0 : 0x80) | exponent << 4 | mantissa) ^ 0x55
    }

    package static func linear(aLaw byte: UInt8) -> Int16 {
        let code = Int(byte ^ 0x55)
        let exponent = code >> 4 & 7
        let mantissa = (code & 0x0F) << 4 + 8
        let magnitude = exponent == 0 ? mantissa : (mantissa + 0x100) << (exponent - 1)
        return Int16(truncatingIfNeeded: code & 0x80 != 0 ? magnitude : -magnitude)
    }
}
