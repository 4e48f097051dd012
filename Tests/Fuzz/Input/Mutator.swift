/// Damages an input, a few times in a row. Knows nothing of its meaning beyond the target's words.
struct Mutator {
    let words: [[UInt8]]
    let longest: Int

    func mutate(_ bytes: inout [UInt8], _ random: inout Random, other: [UInt8]) {
        for _ in 0..<(1 + random.length(upTo: 8)) { once(&bytes, &random, other) }
        if bytes.count > longest { bytes.removeLast(bytes.count - longest) }
    }

    private func once(_ bytes: inout [UInt8], _ random: inout Random, _ other: [UInt8]) {
        switch random.below(22) {
        case 0, 1: flip(&bytes, &random)
        case 2: replaceByte(&bytes, &random) { random in random.byte() }
        case 3: replaceByte(&bytes, &random) { random in random.pick([0, 1, 0x7F, 0x80, 0xFE, 0xFF], or: 0) }
        case 4: nudge(&bytes, &random)
        case 5, 6: bytes.removeSubrange(range(in: bytes, &random))
        case 7: bytes.removeLast(bytes.count - random.below(bytes.count + 1))
        case 8: insert(random.bytes(random.length(upTo: 64)), &bytes, &random)
        case 9, 10: insert(random.pick(words, or: []), &bytes, &random)
        case 11: overwrite(random.pick(words, or: []), &bytes, &random)
        case 12: insert(Array(bytes[range(in: bytes, &random)]), &bytes, &random)
        case 13: splice(&bytes, &random, other)
        case 14: insert(part(of: other, &random), &bytes, &random)
        case 15: insert(random.pick(Dictionary.text, or: []), &bytes, &random)
        case 16, 17: replaceNumber(&bytes, &random)
        case 18: overwrite(binary(&random), &bytes, &random)
        case 19: swap(&bytes, &random)
        case 20: insert(random.pick(Dictionary.numbers, or: []), &bytes, &random)
        default: grow(&bytes, &random)
        }
    }

    private func range(in bytes: [UInt8], _ random: inout Random) -> Range<Int> {
        let start = random.below(bytes.count + 1)
        return start..<(start + min(random.length(upTo: 256), bytes.count - start))
    }

    private func part(of other: [UInt8], _ random: inout Random) -> [UInt8] { Array(other[range(in: other, &random)]) }

    private func insert(_ piece: [UInt8], _ bytes: inout [UInt8], _ random: inout Random) {
        guard bytes.count + piece.count <= longest else { return }
        bytes.insert(contentsOf: piece, at: random.below(bytes.count + 1))
    }

    private func overwrite(_ piece: [UInt8], _ bytes: inout [UInt8], _ random: inout Random) {
        let start = random.below(bytes.count + 1)
        bytes.replaceSubrange(start..<min(start + piece.count, bytes.count), with: piece)
    }

    private func flip(_ bytes: inout [UInt8], _ random: inout Random) {
        guard !bytes.isEmpty else { return }
        bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
    }

    private func replaceByte(_ bytes: inout [UInt8], _ random: inout Random, _ value: (inout Random) -> UInt8) {
        guard !bytes.isEmpty else { return }
        let index = random.below(bytes.count)
        bytes[index] = value(&random)
    }

    private func nudge(_ bytes: inout [UInt8], _ random: inout Random) {
        guard !bytes.isEmpty else { return }
        let index = random.below(bytes.count)
        bytes[index] = random.chance(oneIn: 2) ? bytes[index] &+ 1 : bytes[index] &- 1
    }

    /// The beginning of this one and the end of another.
    private func splice(_ bytes: inout [UInt8], _ random: inout Random, _ other: [UInt8]) {
        let tail = other[random.below(other.count + 1)...]
        bytes.removeLast(bytes.count - random.below(bytes.count + 1))
        bytes.append(contentsOf: tail)
    }

    private func binary(_ random: inout Random) -> [UInt8] {
        let value = random.pick(Dictionary.wild, or: 0)
        let width = random.pick([1, 2, 4, 8], or: 1)
        let little = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        return random.chance(oneIn: 2) ? little : little.reversed()
    }

    private func swap(_ bytes: inout [UInt8], _ random: inout Random) {
        guard bytes.count > 1 else { return }
        bytes.swapAt(random.below(bytes.count), random.below(bytes.count))
    }

    /// A run of digits becomes a number that breaks things.
    private func replaceNumber(_ bytes: inout [UInt8], _ random: inout Random) {
        guard !bytes.isEmpty else { return }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let from = random.below(bytes.count)
        guard let start = bytes[from...].firstIndex(where: digits.contains) ?? bytes.firstIndex(where: digits.contains)
        else { return }
        let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.endIndex
        bytes.replaceSubrange(start..<end, with: random.pick(Dictionary.numbers, or: []))
    }

    /// Depth and length: brackets without end, or one stretch over and over, rarely up to the longest input.
    private func grow(_ bytes: inout [UInt8], _ random: inout Random) {
        let room = random.chance(oneIn: 24) ? longest - bytes.count : min(longest - bytes.count, 512)
        guard room > 0 else { return }
        var piece: [UInt8]
        var closer: [UInt8] = []
        switch random.below(5) {
        case 0: (piece, closer) = ([UInt8(ascii: "[")], [UInt8(ascii: "]")])
        case 1: (piece, closer) = (Array(#"{"a":"#.utf8), [UInt8(ascii: "}")])
        case 2: piece = [random.byte()]
        case 3: piece = random.pick(words, or: [0x20])
        default: piece = Array(bytes[range(in: bytes, &random)])
        }
        if piece.isEmpty { piece = [0x20] }
        let most = room / (piece.count + closer.count)
        let count = random.chance(oneIn: 2) ? most : random.below(most + 1)
        var run: [UInt8] = []
        run.reserveCapacity(count * (piece.count + closer.count))
        for _ in 0..<count { run.append(contentsOf: piece) }
        if !closer.isEmpty, random.chance(oneIn: 2) {
            run.append(UInt8(ascii: "1"))
            for _ in 0..<count { run.append(contentsOf: closer) }
        }
        insert(run, &bytes, &random)
    }
}
