/// Turns the base64 of audio deltas into samples (s16le → `Int16`) in one buffer that is used again and again.
/// One per connection. A delta may end within a sample: the odd byte waits for the next delta of the same item.
package struct PCMDeltas: ~Copyable {
    /// The sound of the largest message that a provider's socket lets through (16 MiB of text).
    package static let maxBytes = 12 * 1_024 * 1_024
    /// More than this is given back after the delta that needed it.
    package static let keptBytes = 128 * 1_024

    private var storage: UnsafeMutableRawBufferPointer
    private var odd: UInt8?

    package init() {
        storage = .allocate(byteCount: 16 * 1_024, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// Forgets an odd byte: another item's sound follows.
    package mutating func startItem() { odd = nil }

    package var capacity: Int { storage.count }

    /// The samples that are complete with this delta, valid until the next call. `base64` is a JSON string's content;
    /// escapes in it (`\/`) are legal and dear.
    package mutating func decode(
        _ base64: UnsafeRawBufferPointer
    ) throws(OpenAIWireError) -> UnsafeBufferPointer<Int16> {
        if JSONText.hasEscapes(base64) {
            guard let plain = JSONText.unescaped(base64) else { throw .badAudio }
            let filled: Result<Int, OpenAIWireError> = plain.withUnsafeBytes { bytes in
                do throws(OpenAIWireError) { return .success(try fill(bytes)) } catch { return .failure(error) }
            }
            return samples(try filled.get())
        }
        return samples(try fill(base64))
    }

    /// Decodes behind the odd byte, if there is one; returns how many whole samples there are now.
    private mutating func fill(_ base64: UnsafeRawBufferPointer) throws(OpenAIWireError) -> Int {
        let start = odd == nil ? 0 : 1
        let needed = Base64.decodedCapacity(base64.count) + start
        guard needed <= Self.maxBytes else { throw .badAudio }
        makeRoom(needed)
        if let odd { storage[0] = odd }
        guard let count = Base64.decode(base64, into: UnsafeMutableRawBufferPointer(rebasing: storage[start...])) else {
            throw .badAudio
        }
        let total = start + count
        odd = total.isMultiple(of: 2) ? nil : storage[total - 1]
        return total / 2
    }

    private mutating func makeRoom(_ needed: Int) {
        guard needed > storage.count || (storage.count > Self.keptBytes && needed <= Self.keptBytes) else { return }
        storage.deallocate()
        var capacity = 16 * 1_024
        while capacity < needed { capacity *= 2 }
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    private func samples(_ count: Int) -> UnsafeBufferPointer<Int16> {
        let samples = UnsafeMutableBufferPointer(rebasing: storage.bindMemory(to: Int16.self)[..<count])
        #if _endian(big)
            for index in samples.indices { samples[index] = samples[index].byteSwapped }
        #endif
        return UnsafeBufferPointer(samples)
    }
}
