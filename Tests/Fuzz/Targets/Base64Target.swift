import Foundation
import WireFormats

/// Sound on the provider's wire.
///
/// Invariants: neither direction touches a byte outside its buffers; what is accepted is what Foundation accepts, and
/// encodes to the same text again; any bytes survive both ways; deltas, however they are cut, give the samples of the
/// whole.
final class Base64Target: FuzzTarget {
    let name = "base64"
    let share = 900
    let longestInput = 24_000
    let seeds: [[UInt8]]
    let words = Dictionary.words("=", "==", "A===", "AA==", "AAA=", "AB==", "////", "\\/", "\\u0041", "\\", "-_", "\n")

    private let output: GuardedMemory
    private let text: GuardedMemory
    private let bytes: GuardedMemory
    private var deltas = PCMDeltas()

    init() throws(FuzzError) {
        output = try GuardedMemory(capacity: 1 << 16)
        text = try GuardedMemory(capacity: 1 << 16)
        bytes = try GuardedMemory(capacity: 1 << 16)
        seeds = [0, 1, 2, 3, 4, 5, 6, 48, 960, 961].map { count in
            Base64Text.of((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) })
        }
    }

    func generate(_ random: inout Random) -> [UInt8] { Base64Text.of(random.bytes(random.length(upTo: 6_000))) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        try checkEncoding(input)
        try checkDeltas(input)
        let room = output.last(Base64.decodedCapacity(input.count))
        guard let count = Base64.decode(input, into: room) else {
            if input.count & 3 == 0, input.count & 31 == 4 { try expectForeign(input, nil) }
            return .refused
        }
        try expect(count <= room.count, "no more is decoded than there is room for")
        let decoded = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
        if input.count & 31 == 4 { try expectForeign(input, decoded) }
        // Exactly as much room as is needed.
        let kept = [UInt8](decoded)
        let exact = output.last(count)
        try expect(Base64.decode(input, into: exact) == count && exact.elementsEqual(kept), "exact room is enough")
        if count > 0 { try expect(Base64.decode(input, into: output.last(count - 1)) == nil, "less room is refused") }
        let again = text.last(Base64.encodedCount(count))
        try expect(Base64.encode(bytes.place(kept), into: again) == again.count, "what was decoded can be encoded")
        try expect(again.elementsEqual(input), "and is the text that came")
        return .accepted
    }

    /// Foundation does not mind bits that belong to no byte; we do.
    private func expectForeign(_ input: UnsafeRawBufferPointer, _ ours: UnsafeRawBufferPointer?) throws(Broken) {
        let foreign = Data(base64Encoded: Data(input))
        if let ours {
            try expect(foreign.map { $0.elementsEqual(ours) } ?? false, "what is accepted is what Foundation accepts")
        } else if let foreign {
            try expect(foreign.base64EncodedData() != Data(input), "what Foundation would write is accepted")
        }
    }

    private func checkEncoding(_ input: UnsafeRawBufferPointer) throws(Broken) {
        let room = text.last(Base64.encodedCount(input.count))
        try expect(Base64.encode(input, into: room) == room.count, "any bytes can be encoded")
        let back = output.last(input.count)
        try expect(Base64.decode(UnsafeRawBufferPointer(room), into: back) == input.count, "and decoded again")
        try expect(back.elementsEqual(input), "and are the same")
    }

    /// The input's bytes as sound, cut in two deltas at a place that the input says.
    private func checkDeltas(_ input: UnsafeRawBufferPointer) throws(Broken) {
        let sound = input.prefix(4_096)
        let cut = sound.isEmpty ? 0 : Int(sound[sound.startIndex]) * 7 % (sound.count + 1)
        var samples: [Int16] = []
        deltas.startItem()
        for part in [sound.prefix(cut), sound.dropFirst(cut)] {
            let delta = Base64Text.of([UInt8](part))
            do throws(OpenAIWireError) { samples += try decodeDelta(delta) } catch {
                throw Broken("does not hold: deltas can be decoded")
            }
        }
        let whole = (0..<sound.count / 2).map {
            Int16(bitPattern: UInt16(sound[$0 * 2]) | UInt16(sound[$0 * 2 + 1]) << 8)
        }
        try expect(samples == whole, "deltas give the samples of the whole")
        deltas.startItem()
        // Anything at all, as a delta: no more than an error.
        do throws(OpenAIWireError) { _ = try deltas.decode(input) } catch {
            try expect(error == .badAudio, "sound that is none is bad audio")
        }
    }

    private func decodeDelta(_ delta: [UInt8]) throws(OpenAIWireError) -> [Int16] {
        let placed = delta.withUnsafeBytes { text.place($0) }
        return Array(try deltas.decode(placed))
    }
}
