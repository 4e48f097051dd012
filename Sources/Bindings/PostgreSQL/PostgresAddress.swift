import CLibPQ

/// A connection string as PostgreSQL's own tools take it: `postgresql://user:password@host:port/database?sslmode=…`, or
/// `host=… dbname=…`. It holds a password and describes itself as nothing.
package struct PostgresAddress: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    let text: String

    /// Throws `.address` for what libpq cannot read.
    package init(_ text: String) throws(PostgresError) {
        guard !text.isEmpty, !text.utf8.contains(0) else { throw .address }
        var complaint: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &complaint)
        unsafe PQfreemem(complaint)
        guard let options = unsafe options else { throw .address }
        unsafe PQconninfoFree(options)
        self.text = text
    }

    package var description: String { "PostgresAddress" }
    package var debugDescription: String { description }

    /// In order; libpq lets later ones win, so what comes before the address is only our wish.
    ///
    /// - Keepalives: a server that vanished without a word is noticed on a connection that only listens, too.
    /// - GSS would be tried first wherever its library is installed, at the price of a round trip.
    var parameters: [(name: String, value: String)] {
        [
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"), ("gssencmode", "disable"), ("fallback_application_name", "voiced"),
            ("dbname", text), ("client_encoding", "UTF8"),
        ]
    }
}
