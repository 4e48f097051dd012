import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl cost [ID]`
package struct Cost: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "What the running conversations have cost, or where one's money went.",
        discussion: """
            Without an id: each conversation of this process with its limit, then the sums by study. With an id: by model and \
            kind of token. ESTIMATED is what was charged by seconds of sound because a connection died before the provider \
            said what it used. CACHED is the part of the input that came from the provider's cache; when it falls, late turns \
            become many times dearer. Conversations that are over: ask REST.

            EXAMPLE
              voicectl cost --json | jq '[.sessions[].spent_micros] | add / 1000000'
            """)

    @Argument(help: "One session's id.")
    var id: String?

    package init() {}

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func validate() throws { if let id { _ = try sessionID(id) } }

    package func run() async throws {
        let id = try id.map { try sessionID($0) }
        try await watch.show {
            let client = AdminClient(path: try connection.place())
            if let id {
                let reply = try await client.get(AdminPath.cost(id), SessionCost.self)
                return connection.json ? reply.text : Self.text(reply.value)
            }
            let reply = try await client.get(AdminPath.cost, CostList.self)
            return connection.json ? reply.text : Self.text(reply.value.sessions)
        }
    }

    package static func text(_ cost: SessionCost) -> String {
        let text = facts([
            ("session", cost.id.text), ("study", cost.study.text),
            ("spent", "\(Words.dollars(micros: cost.spentMicros)) of \(Words.dollars(micros: cost.limitMicros))"),
            ("estimated", Words.dollars(micros: cost.estimatedMicros)),
            ("cached", share(cost.models)),
        ])
        guard !cost.models.isEmpty else { return text }
        var table = Table([
            .init(title: "MODEL", width: 26), .init(title: "KIND", width: 16),
            .init(title: "COUNT", width: 12, isNumber: true), .init(title: "COST", width: 10, isNumber: true),
        ])
        for model in cost.models {
            let records = model.records == 1 ? "1 record" : "\(model.records) records"
            table.add([model.model, records, "", Words.dollars(micros: model.micros)])
            for part in model.parts {
                table.add(["", part.kind, "\(part.count)", Words.dollars(micros: part.micros)])
            }
        }
        return text + "\n\n" + table.text
    }

    package static func text(_ costs: [SessionCost]) -> String {
        if costs.isEmpty { return "No conversation is running here." }
        var table = Table([
            .init(title: "ID", width: 20), .init(title: "SPENT", width: 9, isNumber: true),
            .init(title: "LIMIT", width: 9, isNumber: true), .init(title: "ESTIMATED", width: 9, isNumber: true),
            .init(title: "CACHED", width: 6, isNumber: true), .init(title: "STUDY", width: 17),
        ])
        for cost in costs { table.add(row(cost.id.text, cost.study.text, [cost])) }
        let studies = Dictionary(grouping: costs) { $0.study }
        for (study, costs) in studies.sorted(by: { $0.key.text < $1.key.text }) {
            table.add(row(costs.count == 1 ? "1 session" : "\(costs.count) sessions", study.text, costs))
        }
        return table.text
    }

    private static func row(_ label: String, _ study: String, _ costs: [SessionCost]) -> [String] {
        func sum(_ value: (SessionCost) -> Int64) -> String {
            Words.dollars(micros: costs.reduce(0) { $0 &+ value($1) })
        }
        return [
            label, sum(\.spentMicros), sum(\.limitMicros), sum(\.estimatedMicros), share(costs.flatMap(\.models)),
            study,
        ]
    }

    /// `72 %`; `-` before the first answer.
    private static func share(_ models: [ModelCost]) -> String {
        let input = models.reduce(0) { $0 &+ $1.inputTokens }
        let cached = models.reduce(0) { $0 &+ $1.cachedTokens }
        return input > 0 ? "\(Int((Double(cached) / Double(input) * 100).rounded())) %" : "-"
    }
}
