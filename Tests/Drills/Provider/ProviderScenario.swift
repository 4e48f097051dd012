/// One thing that a provider does to running calls, and what has to become of them.
struct ProviderScenario: Sendable {
    enum Outcome: Sendable {
        /// Another connection is opened, the participant told so, and an answer is spoken on it.
        case reopened
        /// The same, and the provider is given the turn again that was lost with the connection.
        case heardAgain
        /// An answer is spoken on the same connection.
        case goesOn
        /// `provider_failed` with this detail.
        case ends(detail: String)
    }

    var name: String
    var story: String
    /// Members of the JSON of a fault that happens once to each call's connection; nil: none does.
    var toEach: String?
    /// Complete faults for whatever connection comes, beside it.
    var toAll: [String] = []
    var outcome: Outcome
    /// The kind that the daemon counts; nil: nothing is counted.
    var error: String?

    /// The fault's own name in the simulator's log.
    var fault: String { name.split(separator: "-").first.map(String.init) ?? name }

    private static let cut = #""fault":"close_mid_response","deltas":3"#

    /// `calls`: how many connections a refusal has to meet.
    static func all(calls: Int) -> [ProviderScenario] {
        [
            ProviderScenario(
                name: "close_mid_response", story: "closed 1011 in the middle of an answer",
                toEach: cut + #","close":1011"#, outcome: .reopened, error: "server"),
            ProviderScenario(
                name: "close_mid_response-speech", story: "cut while the participant speaks",
                toEach: #""fault":"close_mid_response","when":"speech","ms":300"#, outcome: .heardAgain,
                error: "network"),
            ProviderScenario(
                name: "half_open-turn", story: "falls silent when a turn is to be answered",
                toEach: #""fault":"half_open","when":"turn""#, outcome: .heardAgain, error: "network"),
            ProviderScenario(
                name: "half_open", story: "falls silent in the middle of an answer",
                toEach: #""fault":"half_open","deltas":3"#, outcome: .reopened, error: "network"),
            ProviderScenario(
                name: "failed_response", story: "an answer fails with rate_limit_exceeded",
                toEach: #""fault":"failed_response","code":"rate_limit_exceeded""#, outcome: .goesOn,
                error: "rate_limit"),
            ProviderScenario(
                name: "failed_response-server", story: "an answer fails with server_error",
                toEach: #""fault":"failed_response","code":"server_error","deltas":3"#, outcome: .goesOn,
                error: "server"),
            ProviderScenario(
                name: "error_event", story: "an error event that is not fatal: cancel without a response",
                toEach: #""fault":"error_event","code":"response_cancel_not_active""#, outcome: .goesOn,
                error: "complaint"),
            ProviderScenario(
                name: "error_event-truncate", story: "an error event that is not fatal: truncate past the end",
                toEach: #""fault":"error_event","code":"invalid_value""#, outcome: .goesOn, error: "complaint"),
            ProviderScenario(
                name: "garbage", story: "a frame that is no JSON", toEach: #""fault":"garbage""#, outcome: .reopened,
                error: "protocol"),
            ProviderScenario(
                name: "oversize", story: "a frame of 17 MiB", toEach: #""fault":"oversize""#, outcome: .reopened,
                error: "protocol"),
            ProviderScenario(
                name: "session_expired", story: "the vendor's time limit", toEach: #""fault":"session_expired""#,
                outcome: .reopened, error: "expired"),
            ProviderScenario(
                name: "first_audio", story: "three seconds to the first sound",
                toEach: #""fault":"first_audio","ms":3000"#, outcome: .goesOn, error: nil),
            ProviderScenario(
                name: "refuse_429", story: "cut, then refused 429 twice as often as there are calls", toEach: cut,
                toAll: [#"{"fault":"refuse_429","times":\#(calls * 2)}"#], outcome: .reopened, error: "rate_limit"),
            ProviderScenario(
                name: "refuse_500", story: "cut, then refused 500 twice as often as there are calls", toEach: cut,
                toAll: [#"{"fault":"refuse_500","times":\#(calls * 2)}"#], outcome: .reopened, error: "server"),
            ProviderScenario(
                name: "outage", story: "gone for four seconds", toEach: nil, toAll: [#"{"fault":"outage","ms":4000}"#],
                outcome: .reopened, error: "network"),
            ProviderScenario(
                name: "refuse_401", story: "cut, and the key is refused from then on", toEach: cut,
                toAll: [#"{"fault":"refuse_401","times":0}"#], outcome: .ends(detail: "auth"), error: "auth"),
            ProviderScenario(
                name: "failed_response-quota", story: "the account is out of money",
                toEach: #""fault":"failed_response","code":"insufficient_quota""#, outcome: .ends(detail: "quota"),
                error: "quota"),
        ]
    }

    /// Every outcome once.
    static let small: Set<String> = [
        "close_mid_response", "close_mid_response-speech", "error_event", "failed_response", "refuse_401",
        "failed_response-quota",
    ]

    /// For each of the calls' connections, and for whatever connection comes. Made permanent, it meets every connection
    /// again and again.
    func faults(for connections: [Int], permanent: Bool) -> String {
        var all = toAll
        if let toEach {
            all += permanent ? ["{\(toEach),\"times\":0}"] : connections.map { "{\(toEach),\"connection\":\($0)}" }
        }
        return "[\(all.joined(separator: ","))]"
    }
}
