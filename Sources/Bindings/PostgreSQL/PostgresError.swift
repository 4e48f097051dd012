/// What can go wrong with a server. `code` is always five characters: the server's SQLSTATE, or one of our own from the
/// same list (postgresql.org/docs/current/errcodes-appendix.html) where the server said nothing. Its messages are never
/// kept: they may repeat what somebody said.
package enum PostgresError: Error, Sendable, Hashable {
    /// The address is no connection string that libpq understands.
    case address
    /// No connection, or it was lost: whether the last exchange took effect is unknown.
    case connection(code: String)
    /// No answer in time; the connection has been dropped, and whether the exchange took effect is unknown.
    case deadline
    /// The server refused a statement; nothing of its transaction took effect, and the connection is as good as before.
    case server(code: String)

    package var code: String {
        switch self {
        case .address: "08000"
        case .connection(let code), .server(let code): code
        case .deadline: "deadline"
        }
    }

    /// `connection_does_not_exist`, `sqlclient_unable_to_establish_sqlconnection`, `connection_failure`,
    /// `protocol_violation`, `character_not_in_repertoire`.
    static let closed = PostgresError.connection(code: "08003")
    static let unreachable = PostgresError.connection(code: "08001")
    static let lost = PostgresError.connection(code: "08006")
    static let protocolViolation = PostgresError.connection(code: "08P01")
    static let notStorable = PostgresError.server(code: "22021")
}
