import GRDB
import Ports
import WireFormats

extension StoreError {
    static let closed = StoreError.unavailable(code: "closed")

    /// SQLite's own word for what happened, without any value of a statement.
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self = StoreError(error.extendedResultCode)
        case let error as StoredValueError: self = .corrupt(code: error.code)
        default: self = .corrupt(code: "\(type(of: error))")
        }
    }

    private init(_ result: ResultCode) {
        let code = Self.name(of: result)
        switch result.primaryResultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_CONSTRAINT,
            .SQLITE_MISMATCH, .SQLITE_RANGE, .SQLITE_INTERNAL:
            self = .corrupt(code: code)
        default:
            self = .unavailable(code: code)
        }
    }

    /// For logs and other error types: one word, no data.
    package var code: String {
        switch self {
        case .unavailable(let code), .corrupt(let code): code
        case .conflict: "conflict"
        case .notFound: "not_found"
        case .fenced: "fenced"
        }
    }

    /// True for what one caller cannot be blamed for: the disk, the lock, the memory, the file.
    static func endsTransaction(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CORRUPT,
            .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_PROTOCOL,
            .SQLITE_MISUSE:
            return true
        default:
            return false
        }
    }

    /// C's name of the primary code; an extended one follows as its number, as in `SQLITE_IOERR_1034`
    /// (sqlite.org/rescode.html lists both).
    private static func name(of result: ResultCode) -> String {
        let name = names[result.primaryResultCode.rawValue] ?? "SQLITE_\(result.primaryResultCode.rawValue)"
        return result == result.primaryResultCode ? name : "\(name)_\(result.rawValue)"
    }

    private static let names: [Int32: String] = [
        1: "SQLITE_ERROR", 2: "SQLITE_INTERNAL", 3: "SQLITE_PERM", 4: "SQLITE_ABORT", 5: "SQLITE_BUSY",
        6: "SQLITE_LOCKED", 7: "SQLITE_NOMEM", 8: "SQLITE_READONLY", 9: "SQLITE_INTERRUPT", 10: "SQLITE_IOERR",
        11: "SQLITE_CORRUPT", 12: "SQLITE_NOTFOUND", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN", 15: "SQLITE_PROTOCOL",
        16: "SQLITE_EMPTY", 17: "SQLITE_SCHEMA", 18: "SQLITE_TOOBIG", 19: "SQLITE_CONSTRAINT", 20: "SQLITE_MISMATCH",
        21: "SQLITE_MISUSE", 22: "SQLITE_NOLFS", 23: "SQLITE_AUTH", 24: "SQLITE_FORMAT", 25: "SQLITE_RANGE",
        26: "SQLITE_NOTADB",
    ]
}
