import Foundation
import InterviewCore
import Ports
import WireFormats

/// A row of `sessions` as `to_jsonb` gives it. Columns of a newer build are passed over.
struct StoredSession: Decodable {
    var id: String
    var study: String
    var participant: String
    var state: String
    var owner: String?
    var epoch: Int64
    var client: String?
    var completion_reason: String?
    var completion_detail: String?
    var created_at: Int64
    var expires_at: Int64
    var started_at: Int64?
    var disconnected_at: Int64?
    var rejoin_until: Int64?
    var ended_at: Int64?
    var active_ms: Int64
    var cost_micros: Int64
    var reserved_micros: Int64
    var close_request: String?
    var suspected: Int

    /// What this build cannot read is `corrupt`, with the column's name.
    func record() throws(StoreError) -> SessionRecord {
        guard let id = SessionID(id) else { throw .corrupt(code: "sessions.id") }
        guard let study = StudyID(study) else { throw .corrupt(code: "sessions.study") }
        guard let state = SessionState(rawValue: state) else { throw .corrupt(code: "sessions.state") }
        let reason = completion_reason.map { CompletionReason(rawValue: $0) }
        if case .some(.none) = reason { throw .corrupt(code: "sessions.completion_reason") }
        return SessionRecord(
            id: id, study: study, participant: participant, state: state,
            ownership: Ownership(owner: owner.map { InstanceID($0) }, epoch: epoch), client: client,
            completionReason: reason ?? nil, completionDetail: completion_detail,
            createdAt: StoreTime(milliseconds: created_at), expiresAt: StoreTime(milliseconds: expires_at),
            startedAt: started_at.map { StoreTime(milliseconds: $0) },
            disconnectedAt: disconnected_at.map { StoreTime(milliseconds: $0) },
            rejoinUntil: rejoin_until.map { StoreTime(milliseconds: $0) },
            endedAt: ended_at.map { StoreTime(milliseconds: $0) }, activeMilliseconds: active_ms,
            costMicros: cost_micros, reservedMicros: reserved_micros, closeRequest: close_request,
            suspected: suspected)
    }
}

/// What our functions answer: one shape for all of them, each filling what it has to say.
struct StoredAnswer: Decodable {
    var result: String
    var session: StoredSession?
    var changed: Int64?
    var lapsed: Bool?
    var reserved: Int64?
    var owner: String?
    var records: Int?
    var repeated: Int?
    var differs: Bool?

    var unknown: StoreError { .corrupt(code: "answer") }

    func record() throws(StoreError) -> SessionRecord {
        guard let session else { throw unknown }
        return try session.record()
    }
}

enum StoredText {
    static func json(_ value: some Encodable) throws(StoreError) -> String {
        do { return try StoredJSON.text(of: value) } catch { throw .corrupt(code: error.code) }
    }

    static func value<Value: Decodable>(_ type: Value.Type, from text: String?, _ column: String) throws(StoreError)
        -> Value
    {
        guard let text else { throw .corrupt(code: column) }
        do { return try StoredJSON.value(type, from: text, column: column) } catch { throw .corrupt(code: error.code) }
    }
}

extension String {
    /// PostgreSQL keeps every character but U+0000, and repeats the text around one in its log. Bodies are JSON, in
    /// which it is written as an escape; everything else goes through here.
    var storable: String { utf8.contains(0) ? replacing("\0", with: "\u{FFFD}") : self }
}

extension Duration {
    /// Ten years: a sum with any wall clock stays far from the end of Int64.
    private static let longestMilliseconds: Int64 = 10 * 366 * 86_400_000

    /// Whole milliseconds, rounded down, cut to plus and minus ten years.
    var storedMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let limit = Self.longestMilliseconds / 1_000
        guard seconds < limit else { return Self.longestMilliseconds }
        guard seconds > -limit else { return -Self.longestMilliseconds }
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }

    /// A length of time: never below zero.
    var storedWindow: Int64 { max(0, storedMilliseconds) }
}
