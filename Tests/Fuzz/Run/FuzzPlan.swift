/// How many inputs each target gets, and in which order.
struct FuzzPlan {
    let names: [String]
    /// Inputs of each target over all workers; nil: until the time is up.
    let quotas: [Int]?
    /// Inputs of each target and worker before the next target has its turn.
    let slices: [Int]
    let workers: Int

    /// Inputs of all targets in one worker's round.
    private static let roundInputs = 40_000

    /// `inputs`: of all targets together, spread by their shares; every target gets some.
    init(_ targets: [any FuzzTarget], inputs: Int?, workers: Int) {
        let shares = max(targets.reduce(0) { $0 + $1.share }, 1)
        names = targets.map(\.name)
        self.workers = workers
        slices = targets.map { max(1, Self.roundInputs * $0.share / shares) }
        guard let inputs else {
            quotas = nil
            return
        }
        var quotas = targets.map { max(1, inputs * $0.share / shares) }
        // What rounding left over goes to the first.
        if !quotas.isEmpty { quotas[0] += max(0, inputs - quotas.reduce(0, +)) }
        self.quotas = quotas
    }

    /// Worker `number` takes every input whose number leaves that rest.
    func quota(of target: Int, worker number: Int) -> Int {
        guard let quotas else { return .max }
        return (quotas[target] + workers - 1 - number) / workers
    }
}
