import Foundation

/// The last line of standard output.
struct Verdict: Encodable {
    struct Target: Encodable {
        var inputs: Int
        /// Inputs that got past the door.
        var accepted: Int
    }

    var ok: Bool { failures.isEmpty && problems.isEmpty }
    var inputs: Int
    var perTarget: [String: Target]
    var seconds: Double
    var seed: UInt64
    var failures: [Failure]
    /// What makes the run worthless although nothing failed.
    var problems: [String] = []

    /// Fewer inputs than this say nothing about a target's share of accepted ones.
    private static let enough = 10_000
    /// One in so many has to make sense to its target.
    private static let leastAccepted = 100

    mutating func judge() {
        for (name, target) in perTarget.sorted(by: { $0.key < $1.key })
        where target.inputs >= Self.enough && target.accepted * Self.leastAccepted < target.inputs {
            problems.append("\(name) accepts \(target.accepted) of \(target.inputs) inputs: it tests its door only")
        }
    }

    enum CodingKeys: String, CodingKey {
        case ok, inputs, seconds, seed, failures, problems
        case perTarget = "per_target"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(ok, forKey: .ok)
        try container.encode(inputs, forKey: .inputs)
        try container.encode(perTarget, forKey: .perTarget)
        try container.encode((seconds * 10).rounded() / 10, forKey: .seconds)
        try container.encode(seed, forKey: .seed)
        if !failures.isEmpty { try container.encode(failures, forKey: .failures) }
        if !problems.isEmpty { try container.encode(problems, forKey: .problems) }
    }

    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(self) else { return #"{"ok":false}"# }
        return String(decoding: bytes, as: UTF8.self)
    }
}
