import Ports
import PostgreSQL

/// Why a store could not be opened. What goes wrong later is a `StoreError`. Neither ever holds an address, a password
/// or a server's message.
package enum PostgresStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Setting: String, Sendable {
        case pooled = "DATABASE_URL"
        case direct = "DATABASE_DIRECT_URL"
    }

    /// libpq cannot read the address.
    case address(Setting)
    /// Nobody answers there, or not as PostgreSQL does. `code`: SQLSTATE, or `deadline`.
    case cannotConnect(Setting, code: String)
    case authentication(Setting, code: String)
    case databaseMissing(Setting)
    /// `version` as PostgreSQL counts it: 120_022 is 12.22.
    case serverTooOld(version: Int)
    /// A standby, or a database that only reads.
    case readOnly
    /// The database's default is another level than READ COMMITTED.
    case isolation
    /// The tables cannot be made; SQLSTATE.
    case migration(code: String)

    package var description: String {
        switch self {
        case .address(let setting):
            "\(setting.rawValue) is no address of a database: postgresql://user:password@host:5432/database"
        case .cannotConnect(let setting, let code):
            """
            the database of \(setting.rawValue) cannot be reached (\(code)): check host, port, TLS and the firewall; \
            `psql` with the same address must connect from here
            """
        case .authentication(let setting, let code):
            """
            the database of \(setting.rawValue) refuses our user (\(code)): check user and password, pg_hba.conf, and \
            PgBouncer's auth_file
            """
        case .databaseMissing(let setting):
            "the database that \(setting.rawValue) names does not exist: CREATE DATABASE … OWNER …"
        case .serverTooOld(let version):
            "the server is PostgreSQL \(version / 10_000), and 13 is the oldest that works: upgrade it"
        case .readOnly:
            "the database only reads (a standby?): name the primary, or both hosts with target_session_attrs=read-write"
        case .isolation:
            """
            the database's default_transaction_isolation is not \"read committed\", on which our locks rest: \
            ALTER ROLE … SET default_transaction_isolation = 'read committed'
            """
        case .migration(let code):
            """
            the tables cannot be made (\(code)): 42501 means that our user may not create in its schema \
            (make it the database's owner), 55P03 that another migration holds the lock
            """
        }
    }

    /// The server is away or busy with itself, and may be back in a minute; the rest wants an operator.
    package var mayPass: Bool {
        switch self {
        case .cannotConnect: true
        case .readOnly, .address, .authentication, .databaseMissing, .serverTooOld, .isolation: false
        case .migration(let code): code == "55P03" || StoreError(PostgresError.server(code: code)).isUnavailable
        }
    }

    init(_ error: PostgresError, of setting: Setting) {
        switch error {
        case .address: self = .address(setting)
        case .connection(let code), .server(let code):
            switch code {
            case "3D000": self = .databaseMissing(setting)
            case "28000", "28P01": self = .authentication(setting, code: code)
            default: self = .cannotConnect(setting, code: code)
            }
        case .deadline: self = .cannotConnect(setting, code: error.code)
        }
    }
}
