import DequeModule

/// Samples in their order, of which the oldest are forgotten as new ones come. In pieces, so that forgetting moves
/// nothing and the memory is that of what is kept: one array would keep the room of its longest moment for good.
struct KeptSamples: Equatable, Sendable {
    private let pieceLength: Int
    /// None is empty but the first of all.
    private var pieces: Deque<[Int16]> = []
    private(set) var count = 0
    /// A forgotten piece, for its memory.
    private var spare: [Int16] = []

    init(pieceLength: Int) { self.pieceLength = max(1, pieceLength) }

    static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.pieces.joined().elementsEqual(right.pieces.joined())
    }

    mutating func append(_ samples: UnsafeBufferPointer<Int16>) {
        var rest = samples[...]
        while !rest.isEmpty {
            let room = pieceLength - (pieces.last?.count ?? pieceLength)
            if room <= 0 {
                addPiece()
                continue
            }
            pieces[pieces.endIndex - 1].append(contentsOf: UnsafeBufferPointer(rebasing: rest.prefix(room)))
            rest = rest.dropFirst(room)
        }
        count += samples.count
    }

    private mutating func addPiece() {
        var piece: [Int16] = []
        swap(&piece, &spare)
        piece.reserveCapacity(pieceLength)
        pieces.append(piece)
    }

    /// Forgets the oldest whole pieces that lie within the first `most` samples; answers how many samples they had.
    mutating func forget(atMost most: Int) -> Int {
        var forgotten = 0
        while let first = pieces.first, forgotten + first.count <= most {
            forgotten += first.count
            spare = pieces.removeFirst()
            spare.removeAll(keepingCapacity: true)
        }
        count -= forgotten
        return forgotten
    }

    /// All but the first `skipped`.
    func all(after skipped: Int) -> [Int16] {
        var whole: [Int16] = []
        whole.reserveCapacity(count)
        for piece in pieces { whole.append(contentsOf: piece) }
        whole.removeFirst(min(max(0, skipped), whole.count))
        return whole
    }
}
