/// Makes the inputs of one target, each from its number alone.
struct Generator {
    private let target: any FuzzTarget
    private let corpus: Corpus
    private let mutator: Mutator
    private let seed: UInt64

    init(_ target: any FuzzTarget, corpus: Corpus, seed: UInt64) {
        self.target = target
        self.corpus = corpus
        self.seed = seed
        mutator = Mutator(words: target.words, longest: target.longestInput)
    }

    /// The corpus first, as it is; then mutated entries, whole new inputs of the target's own grammar, and noise.
    func input(_ index: UInt64) -> [UInt8] {
        if index < UInt64(corpus.entries.count) { return cut(corpus.entries[Int(index)]) }
        var random = Random(seed: seed, target: target.name, index: index)
        var bytes: [UInt8]
        switch random.below(100) {
        case 0..<45:
            bytes = random.pick(corpus.entries, or: [])
            mutator.mutate(&bytes, &random, other: random.pick(corpus.entries, or: []))
        case 45..<80: bytes = target.generate(&random)
        case 80..<96:
            bytes = target.generate(&random)
            mutator.mutate(&bytes, &random, other: random.pick(corpus.entries, or: []))
        default: bytes = random.bytes(random.length(upTo: min(target.longestInput, 4_096)))
        }
        target.mend(&bytes, &random)
        return cut(bytes)
    }

    private func cut(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count <= target.longestInput ? bytes : Array(bytes.prefix(target.longestInput))
    }
}
