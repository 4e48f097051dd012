import Foundation
import InterviewCore
import NIOHTTP1
import Ports
import Testing
import WebSurface
import WireFormats

@Suite("WebSurface: sessions")
struct WebSessionTests {
    @Test("a session is created with its token, its join link and its times")
    func create() async throws {
        try await Web().running { peer, store in
            let reply = try await peer.send(
                .POST, "/v1/sessions", #"{"study":"demo","participant":"p-17","expires_in_s":3600}"#)
            #expect(reply.status == 201)
            let answer = try reply.decode(CreateSessionAnswer.self)
            // Waiting, the study's hard limit, the rejoin window and ten minutes.
            #expect(answer.token == "join:\(answer.id):p-17:\(3_600 + 900 + 120 + 600)")
            #expect(answer.joinURL == "https://interviews.example/join/\(answer.id)#\(answer.token)")
            #expect(answer.mediaURL == "wss://media.example")
            #expect(answer.expiresAt == "2026-02-03T05:05:06.789Z")
            #expect(answer.id.text.utf8.count == 20)
            #expect(await store.records.map(\.participant) == ["p-17"])
        }
    }

    @Test("without a configured address the join link is the bound one")
    func boundAddress() async throws {
        var web = Web()
        web.publicURL = nil
        try await web.running { (peer, _) async throws in
            let answer = try await peer.send(.POST, "/v1/sessions", #"{"study":"demo"}"#).decode(
                CreateSessionAnswer.self)
            #expect(answer.joinURL == peer.base("/join/\(answer.id)#\(answer.token)"))
        }
    }

    @Test(
        "what is wrong with a request names its field and the remedy",
        arguments: [
            ("{}", 400, "invalid_field", "study"), (#"{"study":5}"#, 400, "invalid_field", "study"),
            (#"{"study":"a b"}"#, 400, "invalid_field", "study"), (#"{"study":"tea"}"#, 404, "unknown_study", "study"),
            (#"{"study":"demo","participant":""}"#, 400, "invalid_field", "participant"),
            (#"{"study":"demo","participant":17}"#, 400, "invalid_field", "participant"),
            (#"{"study":"demo","expires_in_s":1}"#, 400, "invalid_field", "expires_in_s"),
            (#"{"study":"demo","expires_in_s":1e300}"#, 400, "invalid_field", "expires_in_s"),
            (#"{"study":"demo","expires_in_s":"1h"}"#, 400, "invalid_field", "expires_in_s"),
            (#"{"study":"demo","particpant":"p"}"#, 400, "invalid_field", "particpant"),
            ("[]", 400, "bad_json", nil), ("", 400, "bad_json", nil), (#"{"study":"#, 400, "bad_json", nil),
        ] as [(String, Int, String, String?)])
    func validation(body: String, status: Int, code: String, field: String?) async throws {
        try await Web().running { peer, store in
            let reply = try await peer.send(.POST, "/v1/sessions", body)
            #expect(reply.status == status)
            let error = try reply.decode(ErrorBody.self)
            #expect(error.code == code)
            #expect(error.field == field)
            if let field, code == "invalid_field" { #expect(error.message.hasPrefix("\(field) ")) }
            #expect(await store.records.isEmpty)
        }
    }

    @Test("the remedy for a misspelt field is its name")
    func misspelt() async throws {
        try await Web().running { (peer, _) async throws in
            let reply = try await peer.send(.POST, "/v1/sessions", #"{"study":"demo","particpant":"p"}"#)
            #expect(try reply.decode(ErrorBody.self).message.contains("did you mean participant?"))
        }
    }

    @Test("a body over the limit is 413, one that does not call itself JSON 415")
    func bodies() async throws {
        try await Web().running { (peer, _) async throws in
            let long = #"{"study":"\#(String(repeating: "x", count: 9_000))"}"#
            #expect(try await peer.send(.POST, "/v1/sessions", long).code == "too_large")
            let text = try await peer.send(
                .POST, "/v1/sessions", #"{"study":"demo"}"#, headers: ["Content-Type": "text/plain"])
            #expect(text.status == 415)
        }
    }

    @Test("the same Idempotency-Key and body is the same session; another body is a conflict")
    func idempotency() async throws {
        try await Web().running { peer, store in
            let key = ["Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"]
            let body = #"{"study":"demo","participant":"p-1"}"#
            let first = try await peer.send(.POST, "/v1/sessions", body, headers: key)
            let second = try await peer.send(.POST, "/v1/sessions", body, headers: key)
            #expect(first.status == 201)
            #expect(second.status == 201)
            #expect(first.data == second.data)
            let other = try await peer.send(
                .POST, "/v1/sessions", #"{"study":"demo","participant":"p-2"}"#, headers: key)
            #expect(other.status == 409)
            #expect(other.code == "idempotency_key_reused")
            let longer = try await peer.send(
                .POST, "/v1/sessions", #"{"study":"demo","participant":"p-1","expires_in_s":60}"#, headers: key)
            #expect(longer.status == 409)
            #expect(await store.records.count == 1)
            let fresh = try await peer.send(.POST, "/v1/sessions", body)
            #expect(fresh.status == 201)
            #expect(await store.records.count == 2)
            let bad = try await peer.send(
                .POST, "/v1/sessions", body, headers: ["Idempotency-Key": String(repeating: "k", count: 256)])
            #expect(bad.code == "invalid_field")
        }
    }

    @Test("two that come at once with one Idempotency-Key get one session, also without a participant")
    func concurrentIdempotency() async throws {
        try await Web().running { peer, store in
            let replies = try await withThrowingTaskGroup(of: Data.self) { group in
                let send = peer.base("/v1/sessions")
                for _ in 0..<8 {
                    group.addTask {
                        let peer = Peer { _ in send }
                        return try await peer.send(
                            .POST, "", #"{"study":"demo"}"#, headers: ["Idempotency-Key": "k"]
                        ).data
                    }
                }
                return try await group.reduce(into: Set<Data>()) { $0.insert($1) }
            }
            #expect(replies.count == 1)
            #expect(await store.records.count == 1)
        }
    }

    @Test("a session is read with its transcript and its cost, each response charged once")
    func show() async throws {
        try await Web().running { peer, store in
            let id = try #require(SessionID("s-1"))
            var record = SessionRecord(
                id: id, study: try #require(StudyID("demo")), participant: "p", state: .ended,
                createdAt: StoreTime(milliseconds: 0), expiresAt: StoreTime(milliseconds: 1_000))
            record.completionReason = .completed
            record.endedAt = StoreTime(milliseconds: 2_000)
            record.costMicros = 5
            let usage = UsageEntry(
                provider: "openai", model: "m", response: "r-1", usage: Usage(), micros: 40, estimated: false)
            var other = usage
            other.response = "r-2"
            other.micros = 2
            let entries: [JournalEntry] = [
                .turn(
                    Turn(
                        speaker: .agent, item: "i-1", text: "Hello?", startMilliseconds: 10, endMilliseconds: 900,
                        heardMilliseconds: 400)),
                .usage(usage), .usage(usage), .usage(other),
                .turn(
                    Turn(speaker: .participant, item: "i-2", text: nil, startMilliseconds: 950, endMilliseconds: 1_500)),
                .end(EndEntry(reason: .completed)),
            ]
            let journal = entries.enumerated().map {
                JournalRecord(session: id, epoch: 1, sequence: Int64($0.offset), entry: $0.element)
            }
            await store.put(record, journal: journal)
            let reply = try await peer.get("/v1/sessions/s-1")
            #expect(reply.status == 200)
            let document = try reply.decode(SessionDocument.self)
            #expect(document.costMicros == 42)
            #expect(document.reason == .completed)
            #expect(document.endedAt == "1970-01-01T00:00:02.000Z")
            #expect(document.startedAt == nil)
            #expect(document.turns?.map(\.text) == ["Hello?", nil])
            let turns = reply.json["turns"] as? [[String: Any]]
            #expect(turns?.first?["heard_ms"] as? Int == 400)
            #expect(turns?.first?["speaker"] as? String == "agent")
            #expect(try await peer.get("/v1/sessions/s-2").code == "unknown_session")
            #expect(try await peer.get("/v1/sessions/%2e%2e").status == 404)
        }
    }

    @Test("what an overtaken owner could not write down stands in its place, marked, and its cost counts once")
    func lateTurns() async throws {
        try await Web().running { peer, store in
            let id = try #require(SessionID("s-1"))
            await store.put(
                SessionRecord(
                    id: id, study: try #require(StudyID("demo")), participant: "p", state: .active,
                    createdAt: StoreTime(milliseconds: 0), expiresAt: StoreTime(milliseconds: 0)),
                journal: [Self.turn(id, 1, 0, "one"), Self.turn(id, 2, 0, "three"), Self.usage(id, 2, 1, "r")])
            await store.put(
                late: [Self.turn(id, 1, 1, "two"), Self.usage(id, 1, 2, "r"), Self.usage(id, 1, 3, "q")], of: id)
            let reply = try await peer.get("/v1/sessions/s-1")
            let document = try reply.decode(SessionDocument.self)
            #expect(document.turns?.map(\.text) == ["one", "two", "three"])
            #expect(document.turns?.map(\.late) == [nil, true, nil])
            #expect(document.costMicros == 20)
            let turns = reply.json["turns"] as? [[String: Any]]
            #expect(turns?.map { $0["late"] as? Bool } == [nil, true, nil])
        }
    }

    private static func turn(_ id: SessionID, _ epoch: Int64, _ sequence: Int64, _ text: String) -> JournalRecord {
        JournalRecord(
            session: id, epoch: epoch, sequence: sequence,
            entry: .turn(
                Turn(speaker: .participant, item: text, text: text, startMilliseconds: 0, endMilliseconds: 1)))
    }

    private static func usage(_ id: SessionID, _ epoch: Int64, _ sequence: Int64, _ name: String) -> JournalRecord {
        JournalRecord(
            session: id, epoch: epoch, sequence: sequence,
            entry: .usage(
                UsageEntry(
                    provider: "openai", model: "m", response: name, usage: Usage(), micros: 10, estimated: false)))
    }

    @Test("sessions are listed newest first, by study, state and number")
    func list() async throws {
        try await Web().running { peer, store in
            for (name, state) in [("a", SessionState.ended), ("b", .active), ("c", .active)] {
                await store.put(
                    SessionRecord(
                        id: try #require(SessionID(name)), study: try #require(StudyID("demo")), participant: "p",
                        state: state, createdAt: StoreTime(milliseconds: 0), expiresAt: StoreTime(milliseconds: 0)))
            }
            func names(_ query: String) async throws -> [String] {
                try await peer.get("/v1/sessions\(query)").decode(SessionDocuments.self).sessions.map(\.id.text)
            }
            #expect(try await names("") == ["c", "b", "a"])
            #expect(try await names("?state=active&limit=1") == ["c"])
            #expect(try await names("?state=ended,active&study=demo") == ["c", "b", "a"])
            #expect(try await names("?study=other") == [])
            for query in ["?limit=0", "?limit=501", "?limit=x", "?state=bored", "?state=", "?study=a%20b"] {
                #expect(try await peer.get("/v1/sessions\(query)").code == "invalid_field", "\(query)")
            }
        }
    }

    @Test("a store that does not answer is 503 with Retry-After, and nothing of it is told")
    func storeGone() async throws {
        try await Web().running { peer, store in
            await store.fail(with: .unavailable(code: "SQLITE_FULL"))
            let reply = try await peer.send(.POST, "/v1/sessions", #"{"study":"demo"}"#)
            #expect(reply.status == 503)
            #expect(reply.code == "store_unavailable")
            #expect(reply.header("Retry-After") == "2")
            #expect(!reply.text.contains("SQLITE"))
            #expect(try await peer.get("/livez").status == 200)
        }
    }
}
