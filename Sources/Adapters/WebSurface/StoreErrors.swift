import Foundation
import HTTPServing
import InterviewCore
import Ports

extension APIError {
    /// What a caller is told when the store fails; what it said is for the log of whoever owns the store.
    static func store(_ error: StoreError) -> APIError {
        switch error {
        case .unavailable:
            APIError(503, "store_unavailable", "The store does not answer now. Try again.", retryAfter: 2)
        case .notFound: .notFound
        case .conflict, .fenced: APIError(409, "conflict", "Somebody else has changed this meanwhile. Read it again.")
        case .corrupt: APIError(500, "store_corrupt", "The store holds something that this version cannot read.")
        }
    }
}

/// Runs a store call and turns its errors into answers.
func stored<Value>(_ call: () async throws(StoreError) -> Value) async throws(APIError) -> Value {
    do {
        return try await call()
    } catch {
        throw .store(error)
    }
}

extension StoreTime {
    /// RFC 3339 in UTC with milliseconds, for example `2026-02-03T04:05:06.789Z`.
    var rfc3339: String {
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
