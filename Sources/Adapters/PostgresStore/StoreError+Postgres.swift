import Ports
import PostgreSQL

extension StoreError {
    static let closed = StoreError.unavailable(code: "closed")

    init(_ error: PostgresError) {
        switch error {
        case .address: self = .corrupt(code: error.code)
        case .connection, .deadline: self = .unavailable(code: error.code)
        case .server("55P03"): self = .unavailable(code: "lock_timeout")
        case .server("57014"): self = .unavailable(code: "statement_timeout")
        case .server(let code): self = Self.passes(code) ? .unavailable(code: code) : .corrupt(code: code)
        }
    }

    var isUnavailable: Bool {
        if case .unavailable = self { return true }
        return false
    }

    /// One word for logs.
    var word: String {
        switch self {
        case .unavailable(let code), .corrupt(let code): code
        case .conflict: "conflict"
        case .notFound: "not_found"
        case .fenced: "fenced"
        }
    }

    /// Classes of SQLSTATE that speak of the server's state and not of what we asked: connection, transaction state (a
    /// standby refuses to write with 25006), rollback, resources, limits, object state, operator, system.
    private static func passes(_ code: String) -> Bool {
        ["08", "25", "40", "53", "54", "55", "57", "58"].contains(code.prefix(2))
    }
}
