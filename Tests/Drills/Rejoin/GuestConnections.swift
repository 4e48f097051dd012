import ParticipantLoad

/// Which provider connections were whose: the first is known from the join, the later ones by the ids of the answers
/// that a guest's journals hold.
struct GuestConnections {
    /// By guest, in the order of their opening.
    let all: [[Int]]
    /// Those that no journal speaks of: nothing was answered on them.
    let unknown: [Int]

    init(_ witness: SimulatorWitness, first: [Int], journals: [[StoreWitness.Line]]) {
        let byResponse = witness.connectionsByResponse
        var found = first.map { Set([$0]) }
        for (index, journal) in journals.enumerated() {
            found[index].formUnion(journal.compactMap { $0.body.response.flatMap { byResponse[$0] } })
        }
        let order = Dictionary(
            witness.connections.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        all = found.map { $0.sorted { (order[$0] ?? 0) < (order[$1] ?? 0) } }
        let known = found.reduce(into: Set<Int>()) { $0.formUnion($1) }
        unknown = witness.connections.filter { !known.contains($0) }
    }
}
