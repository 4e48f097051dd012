/// Whether bytes are UTF-8 (Unicode 3.9, table 3-7). Ours, because the library's check cannot be used: on a client's
/// connection it gives up in the middle of a frame without resetting its read position, and what the server sends
/// afterwards is written past the end of its buffer.
package enum UTF8Check {
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        let count = bytes.count
        while index < count {
            // Eight at a time while nothing but ASCII comes.
            while index + 8 <= count,
                unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                index += 8
            }
            guard index < count else { return true }
            let lead = unsafe bytes[index]
            index += 1
            if lead < 0x80 { continue }
            guard let (first, others) = continuation(of: lead), index + others < count else { return false }
            guard first.contains(unsafe bytes[index]) else { return false }
            for offset in 1..<(others + 1) where (unsafe bytes[index + offset]) & 0xc0 != 0x80 { return false }
            index += others + 1
        }
        return true
    }

    /// What the second byte may be, and how many follow it.
    private static func continuation(of lead: UInt8) -> (ClosedRange<UInt8>, Int)? {
        switch lead {
        case 0xc2...0xdf: (0x80...0xbf, 0)
        // No overlong forms, no surrogates, nothing beyond U+10FFFF.
        case 0xe0: (0xa0...0xbf, 1)
        case 0xed: (0x80...0x9f, 1)
        case 0xe1...0xef: (0x80...0xbf, 1)
        case 0xf0: (0x90...0xbf, 2)
        case 0xf1...0xf3: (0x80...0xbf, 2)
        case 0xf4: (0x80...0x8f, 2)
        default: nil
        }
    }
}
