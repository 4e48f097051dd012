import CLibPQ

extension PostgresConnection {
    /// All `statements` in one transaction and one message: none of them takes effect unless the last one did. Rows of
    /// each, in order.
    ///
    /// They travel in libpq's pipeline mode, which ends each transaction by one Sync behind the last Execute. A process
    /// that is stopped in the middle of sending leaves a transaction open on the server for which no timeout of
    /// PostgreSQL 15 exists (the server waits inside a pipeline, which it does not call idle), so row locks belong into
    /// the last statement. Its Execute and the Sync lie side by side in libpq's buffer: of a long message libpq writes
    /// blocks of 8 KiB while it is put together, and the rest, with both of them in it, in one write. What is left is a
    /// message whose Execute ends exactly with a block, or with what the kernel took of a write, and a stop between
    /// these two writes.
    ///
    /// Prepared statements are the nameless one only: what runs next may run on another server connection.
    package func exchange(
        _ statements: [PostgresStatement], within limit: Duration
    ) throws(PostgresError) -> [[PostgresRow]] {
        guard statements.allSatisfy({ $0.parameters.allSatisfy { !($0?.utf8.contains(0) ?? false) } }) else {
            throw .notStorable
        }
        return try using { library throws(PostgresError) in
            let deadline = ContinuousClock.now.advanced(by: limit)
            if !isPipelining {
                guard unsafe PQenterPipelineMode(library.handle) == 1 else { throw .lost }
                isPipelining = true
            }
            for statement in statements { try Self.send(statement, on: library) }
            guard unsafe PQpipelineSync(library.handle) == 1 else { throw .lost }
            return try receive(statements.count, from: library, until: deadline)
        }
    }

    /// Text without values, several statements and transactions in it: for migrations and LISTEN.
    package func script(_ text: StaticString, within limit: Duration) throws(PostgresError) {
        try using { library throws(PostgresError) in
            let deadline = ContinuousClock.now.advanced(by: limit)
            if isPipelining {
                guard unsafe PQexitPipelineMode(library.handle) == 1 else { throw .lost }
                isPipelining = false
            }
            guard unsafe PQsendQuery(library.handle, text.description) == 1 else { throw .lost }
            var failure: PostgresError?
            while let result = unsafe try nextResult(of: library, until: deadline) {
                defer { unsafe PQclear(result) }
                if failure == nil { failure = unsafe Self.failure(of: result, on: library) }
            }
            if let failure { throw failure }
        }
    }

    /// Whatever leaves the conversation with the server in the middle also ends it.
    func using<Value>(
        _ body: (LibraryConnection) throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        guard let library else { throw .closed }
        do {
            return try body(library)
        } catch {
            if case .server = error, !library.isBad { throw error }
            self.library = nil
            throw error
        }
    }

    private static func send(_ statement: PostgresStatement, on library: LibraryConnection) throws(PostgresError) {
        let parameters = statement.parameters
        let sent = unsafe withCStrings(parameters) { values in
            unsafe PQsendQueryParams(
                library.handle, statement.text.description, Int32(clamping: parameters.count), nil, values, nil, nil, 0)
        }
        guard sent == 1 else { throw .lost }
    }

    private func receive(
        _ count: Int, from library: LibraryConnection, until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [[PostgresRow]] {
        var answers: [[PostgresRow]] = []
        var failure: PostgresError?
        // Each statement's result is followed by a nil; the Sync's has none.
        while true {
            guard let result = unsafe try nextResult(of: library, until: deadline) else {
                if library.isBad { throw failure.map(Self.asLoss) ?? .lost }
                continue
            }
            defer { unsafe PQclear(result) }
            let status = unsafe PQresultStatus(result)
            if status == PGRES_PIPELINE_SYNC { break }
            if status == PGRES_PIPELINE_ABORTED { continue }
            if failure == nil { failure = unsafe Self.failure(of: result, on: library) }
            if failure == nil { unsafe answers.append(Self.rows(of: result)) }
        }
        if let failure { throw failure }
        guard answers.count == count else { throw .protocolViolation }
        return answers
    }

    /// Sends what is still to be sent, and returns the next result, or nil where libpq says that there is none.
    private func nextResult(
        of library: LibraryConnection, until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> OpaquePointer? {
        var unsent = unsafe PQflush(library.handle)
        while unsafe unsent == 1 || PQisBusy(library.handle) == 1 {
            switch try library.wait(writing: unsent == 1, wake: interruption.descriptor, until: deadline) {
            case .ready: break
            case .interrupted: throw .closed
            case .late: throw .deadline
            }
            // A connection that fails here still has the server's last word in its buffer.
            if unsafe PQconsumeInput(library.handle) != 1 { break }
            unsent = unsafe PQflush(library.handle)
        }
        return unsafe PQgetResult(library.handle)
    }

    /// Nil for a result that is no error.
    private static func failure(of result: OpaquePointer, on library: LibraryConnection) -> PostgresError? {
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return nil
        default: break
        }
        // 80 is 'P', 67 is 'C', 83 is 'S' in postgres_ext.h.
        guard let field = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { return .lost }
        let state = unsafe String(cString: field)
        // FATAL ends the connection: an administrator's command, a crash, a pooler that goes. The word is not
        // translated in this field (PG_DIAG_SEVERITY_NONLOCALIZED).
        let severity = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "V"))).map { unsafe String(cString: $0) }
        let isOver = severity == "FATAL" || severity == "PANIC" || library.isBad
        return isOver ? .connection(code: state) : .server(code: state)
    }

    private static func asLoss(_ failure: PostgresError) -> PostgresError { .connection(code: failure.code) }

    private static func rows(of result: OpaquePointer) -> [PostgresRow] {
        let columns = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columns).map { column in
                guard unsafe PQgetisnull(result, row, column) == 0, let bytes = unsafe PQgetvalue(result, row, column)
                else { return nil }
                let count = unsafe Int(PQgetlength(result, row, column))
                return unsafe UnsafeRawBufferPointer(start: bytes, count: count).withMemoryRebound(to: UInt8.self) {
                    unsafe String(decoding: $0, as: UTF8.self)
                }
            }
        }
    }
}
