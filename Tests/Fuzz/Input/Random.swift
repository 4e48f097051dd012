/// SplitMix64 (Steele, Lea and Flood, 2014). Every input has a generator of its own, made of the run's seed, the target's
/// name and the input's number: any input can be made again without those before it, whatever the number of processes.
struct Random {
    private var state: UInt64

    init(seed: UInt64, target: String, index: UInt64) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in target.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        state = hash ^ (seed &* 0x9e37_79b9_7f4a_7c15)
        state = next() ^ (index &* 0xbf58_476d_1ce4_e5b9)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// 0 to `limit` - 1; 0 when there is nothing to choose from.
    mutating func below(_ limit: Int) -> Int {
        guard limit > 1 else { return 0 }
        return Int(next().multipliedFullWidth(by: UInt64(limit)).high)
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    mutating func chance(oneIn count: Int) -> Bool { below(count) == 0 }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 32) }

    /// Mostly small, now and then up to `limit`: each magnitude is as likely as the next.
    mutating func length(upTo limit: Int) -> Int {
        let bits = Int.bitWidth - max(limit, 1).leadingZeroBitCount
        return min(below(1 << below(bits + 1)), limit)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Nil only for an empty list.
    mutating func pick<Element>(_ list: [Element]) -> Element? { list.isEmpty ? nil : list[below(list.count)] }

    mutating func pick<Element>(_ list: [Element], or other: Element) -> Element { pick(list) ?? other }
}
