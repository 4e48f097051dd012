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
    /// Members of the JSON of faults that happen once to each call's connection.
    var toEach: [String] = []
    /// Complete faults for whatever connection comes, beside them.
    var toAll: [String] = []
    /// All faults end after so long; nil: by themselves.
    var lasting: Duration?
    var outcome: Outcome
    /// The kind that the daemon counts; nil: nothing is counted.
    var error: String?
    /// How often, at least, for each call.
    var errorsEach = 1

    /// The fault's own name in the simulator's log.
    var fault: String { name.split(separator: "-").first.map(String.init) ?? name }

    private static let cut = #""fault":"close_mid_response","deltas":3"#

    /// `calls`: how many connections a refusal has to meet.
    static func all(calls: Int) -> [ProviderScenario] {
        [
            ProviderScenario(
                name: "close_mid_response", story: "closed 1011 in the middle of an answer",
                toEach: [cut + #","close":1011"#], outcome: .reopened, error: "server"),
            ProviderScenario(
                name: "close_mid_response-speech", story: "cut while the participant speaks",
                toEach: [#""fault":"close_mid_response","when":"speech","ms":300"#], outcome: .heardAgain,
                error: "network"),
            ProviderScenario(
                name: "half_open-turn", story: "falls silent when a turn is to be answered",
                toEach: [#""fault":"half_open","when":"turn""#], outcome: .heardAgain, error: "network"),
            ProviderScenario(
                name: "half_open-speech", story: "falls silent while the participant speaks",
                toEach: [#""fault":"half_open","when":"speech","ms":300"#], outcome: .heardAgain, error: "network"),
            ProviderScenario(
                name: "slow_reading", story: "reads a thirtieth of what it is sent, from the participant's turn on",
                toEach: [#""fault":"slow_reading","when":"speech""#], outcome: .heardAgain, error: "network"),
            ProviderScenario(
                name: "half_open", story: "falls silent in the middle of an answer",
                toEach: [#""fault":"half_open","deltas":3"#], outcome: .reopened, error: "network"),
            ProviderScenario(
                name: "failed_response", story: "an answer fails with rate_limit_exceeded",
                toEach: [#""fault":"failed_response","code":"rate_limit_exceeded""#], outcome: .goesOn,
                error: "rate_limit"),
            ProviderScenario(
                name: "failed_response-server", story: "an answer fails with server_error",
                toEach: [#""fault":"failed_response","code":"server_error","deltas":3"#], outcome: .goesOn,
                error: "server"),
            ProviderScenario(
                name: "error_event",
                story: "error events that are not fatal: cancel without a response, truncate past the end and at 0",
                toEach: [
                    #""fault":"error_event","deltas":3,"code":"response_cancel_not_active""#,
                    #""fault":"error_event","deltas":4,"code":"invalid_value""#,
                    #""fault":"error_event","deltas":5,"code":"unsupported_content_type""#,
                ], outcome: .goesOn, error: "complaint", errorsEach: 3),
            ProviderScenario(
                name: "garbage", story: "a frame that is no JSON", toEach: [#""fault":"garbage""#], outcome: .reopened,
                error: "protocol"),
            ProviderScenario(
                name: "oversize", story: "a frame of 17 MiB", toEach: [#""fault":"oversize""#], outcome: .reopened,
                error: "protocol"),
            ProviderScenario(
                name: "session_expired", story: "the vendor's time limit", toEach: [#""fault":"session_expired""#],
                outcome: .reopened, error: "expired"),
            ProviderScenario(
                name: "first_audio", story: "three seconds to the first sound",
                toEach: [#""fault":"first_audio","ms":3000"#], outcome: .goesOn, error: nil),
            ProviderScenario(
                name: "refuse_429", story: "cut, then refused 429 twice as often as there are calls", toEach: [cut],
                toAll: [#"{"fault":"refuse_429","times":\#(calls * 2)}"#], outcome: .reopened, error: "rate_limit"),
            ProviderScenario(
                name: "refuse_500", story: "cut, then refused 500 twice as often as there are calls", toEach: [cut],
                toAll: [#"{"fault":"refuse_500","times":\#(calls * 2)}"#], outcome: .reopened, error: "server"),
            ProviderScenario(
                name: "refuse_429-long", story: "cut, then refused 429 for twelve seconds", toEach: [cut],
                toAll: [#"{"fault":"refuse_429","times":0}"#], lasting: .seconds(12), outcome: .reopened,
                error: "rate_limit"),
            ProviderScenario(
                name: "outage", story: "gone for four seconds", toAll: [#"{"fault":"outage","ms":4000}"#],
                outcome: .reopened, error: "network"),
            ProviderScenario(
                name: "refuse_401", story: "cut, and the key is refused from then on", toEach: [cut],
                toAll: [#"{"fault":"refuse_401","times":0}"#], outcome: .ends(detail: "auth"), error: "auth"),
            ProviderScenario(
                name: "failed_response-quota", story: "the account is out of money",
                toEach: [#""fault":"failed_response","code":"insufficient_quota""#], outcome: .ends(detail: "quota"),
                error: "quota"),
        ]
    }

    /// Every outcome once, and what is no fault.
    static let small: Set<String> = [
        "close_mid_response", "close_mid_response-speech", "error_event", "failed_response", "refuse_401",
        "failed_response-quota", "renewal", "pool",
    ]

    /// For each of the calls' connections, and for whatever connection comes. Made permanent, it meets every connection
    /// again and again.
    func faults(for connections: [Int], permanent: Bool) -> String {
        var all = toAll
        for fault in toEach {
            all += permanent ? ["{\(fault),\"times\":0}"] : connections.map { "{\(fault),\"connection\":\($0)}" }
        }
        return "[\(all.joined(separator: ","))]"
    }
}
