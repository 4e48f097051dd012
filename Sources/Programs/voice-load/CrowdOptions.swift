import ArgumentParser
import Foundation
import ParticipantLoad

struct CrowdOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Address of voice-web's REST, which creates the sessions.", valueName: "http://host:port"))
    var url = "http://127.0.0.1:3000"

    @Option(help: "Id of the study whose sessions are created.")
    var study = "demo"

    @Option(
        name: .customLong("api-key"),
        help: "Key for REST where it is not open; better in the environment as VOICED_API_KEY.")
    var apiKey: String?

    @Option(
        help: ArgumentHelp(
            "Join these sessions instead of creating some: each line what POST /v1/sessions answered, or \"id token "
                + "media_url\".", valueName: "file"))
    var join: String?

    @Option(
        help: ArgumentHelp(
            "Connect to this address instead of the one the service names; repeatable, taken in turn.",
            valueName: "ws://host:port"))
    var via: [String] = []

    @Option(help: "How many talk at the same time.")
    var sessions = 1

    @Option(help: "From the first join to the last goodbye: 90s, 5m, 1h.")
    var duration = Span(.seconds(60))

    @Option(help: "The joins are spread over this; 0s joins all at once.")
    var ramp = Span(.seconds(5))

    @Option(help: "How long each conversation lasts before a new one takes its place.")
    var churn: Span?

    @Option(help: "Conversations in all: with --churn nobody takes a place after so many.")
    var total: Int?

    @Option(name: .customLong("join-patience"), help: "How long a participant tries to get in before it has failed.")
    var joinPatience = Span(.seconds(10))

    @Option(help: "Network threads.")
    var threads = 1

    @Option(help: "Decides all chance: the same seed, the same behaviour.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...20_000).contains(sessions) else { throw ValidationError("--sessions is 1 to 20,000.") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads is 1 to 64.") }
        if let total, total < sessions { throw ValidationError("--total \(total) is below --sessions \(sessions).") }
        if let total, total > sessions, churn == nil {
            throw ValidationError("--total above --sessions needs --churn: how long each conversation lasts.")
        }
        if let churn, churn.value <= .zero { throw ValidationError("--churn must be more than nothing.") }
        guard duration.value > .zero else { throw ValidationError("--duration must be more than nothing.") }
        guard ramp.value < duration.value else {
            throw ValidationError("--ramp \(ramp) leaves no time within --duration \(duration).")
        }
    }

    func plan(_ habits: HabitOptions) throws -> LoadPlan {
        let environment = ProcessInfo.processInfo.environment
        let source: LoadPlan.Source
        if let join {
            guard let text = try? String(contentsOfFile: join, encoding: .utf8) else {
                throw ValidationError("\(join) cannot be read.")
            }
            let lines = text.split(separator: "\n")
            let tickets = try lines.map { try SessionsClient.ticket(line: String($0)) }
            guard !tickets.isEmpty else { throw ValidationError("\(join) names no session.") }
            source = .tickets(tickets)
        } else {
            source = .create(
                web: try Address(url), study: study, apiKey: apiKey ?? environment["VOICED_API_KEY"])
        }
        var plan = LoadPlan(
            source: source, sessions: sessions, duration: duration.value, ramp: ramp.value, churn: churn?.value,
            cutEvery: habits.cutEvery?.value, codec: habits.codec.format, style: habits.style, leaves: habits.leave,
            joinPatience: joinPatience.value, threads: threads, seed: seed)
        plan.total = total
        if let longest = habits.cutFor?.value { plan.cutFor = .zero...longest }
        plan.addresses = try via.map { try Address($0) }
        if case .tickets(let tickets) = source { plan.sessions = min(sessions, tickets.count) }
        return plan
    }
}

/// A length of time as people write it: `500ms`, `90s`, `5m`, `1h`; a bare number is seconds.
struct Span: ExpressibleByArgument, CustomStringConvertible, Sendable {
    let value: Duration
    let description: String

    init(_ value: Duration) {
        self.value = value
        description = "\(value.components.seconds)s"
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), number.isFinite, (0...1e6).contains(number) else { return nil }
        let milliseconds: Double
        switch argument.dropFirst(digits.count) {
        case "ms": milliseconds = 1
        case "", "s": milliseconds = 1_000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        default: return nil
        }
        value = .milliseconds(Int64(number * milliseconds))
        description = argument
    }
}
