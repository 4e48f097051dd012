import Foundation
import HTTPServing
import InterviewCore
import NIOHTTP1
import Ports
import Testing
import WebSurface
import WireFormats

@Suite("WebSurface: who may")
struct WebDoorTests {
    @Test(
        "closed, every REST address wants a key with its scope",
        arguments: [
            (HTTPMethod.POST, "/v1/sessions"), (.GET, "/v1/sessions"), (.GET, "/v1/sessions/s-1"),
            (.GET, "/v1/studies"),
            (.GET, "/v1/studies/demo"), (.GET, "/v1/studies/demo/budget"), (.PUT, "/v1/studies/demo"),
        ])
    func closed(method: HTTPMethod, path: String) async throws {
        var web = Web()
        web.open = false
        try await web.running { (peer, _) async throws in
            let body = method == .GET ? nil : #"{"study":"demo","language":"en","instructions":"x"}"#
            let none = try await peer.send(method, path, body)
            #expect(none.status == 401)
            #expect(none.header("WWW-Authenticate") == "Bearer")
            #expect(try await peer.send(method, path, body, headers: ["Authorization": "Basic all"]).status == 401)
            #expect(try await peer.send(method, path, body, headers: ["Authorization": "Bearer guess"]).status == 401)
            let reader = try await peer.send(method, path, body, headers: ["Authorization": "Bearer reader"])
            #expect(method == .GET ? reader.status != 403 : reader.code == "scope")
            let all = try await peer.send(method, path, body, headers: Web.key)
            #expect(all.status != 401 && all.status != 403)
        }
    }

    @Test("two API keys never meet in one Idempotency-Key")
    func keysApart() async throws {
        var web = Web()
        web.open = false
        try await web.running { peer, store in
            let headers = Web.key.merging(["Idempotency-Key": "k"]) { $1 }
            #expect(try await peer.send(.POST, "/v1/sessions", #"{"study":"demo"}"#, headers: headers).status == 201)
            let closed = await store.records.map(\.id)
            var other = Web()
            other.open = true
            try await other.running { peer, store in
                _ = try await peer.send(
                    .POST, "/v1/sessions", #"{"study":"demo"}"#, headers: ["Idempotency-Key": "k"])
                #expect(await store.records.map(\.id) != closed)
            }
        }
    }

    @Test("open, a foreign name for this machine is refused, so that no page of the web can use it")
    func rebinding() async throws {
        try await Web().running { (peer, _) async throws in
            for host in ["evil.example", "127.0.0.1.evil.example", ""] {
                #expect(try await peer.get("/v1/studies", headers: ["Host": host]).status >= 400, "\(host)")
            }
            #expect(try await peer.get("/v1/studies", headers: ["Host": "localhost:1"]).status == 200)
            #expect(try await peer.get("/v1/studies", headers: ["Host": "interviews.example"]).status == 200)
        }
    }
}

@Suite("WebSurface: studies")
struct WebStudyTests {
    @Test("a study is put, read and listed")
    func roundTrip() async throws {
        try await Web().running { (peer, _) async throws in
            let body =
                #"{"name":"Tea","language":"de","instructions":"frage","limits":{"idle_seconds":60},"#
                + #""budget_micros":20000000}"#
            let put = try await peer.send(.PUT, "/v1/studies/tea", body)
            #expect(put.status == 200)
            let study = try await peer.get("/v1/studies/tea").decode(Study.self)
            #expect(study.name == "Tea")
            #expect(study.limits.idleSeconds == 60)
            #expect(study.budgetMicros == 20_000_000)
            let list = try await peer.get("/v1/studies").decode(StudyList.self)
            #expect(list.studies.map(\.id.text) == ["demo", "tea"])
            #expect(try await peer.get("/v1/studies/none").code == "unknown_study")
        }
    }

    @Test("a study's budget may be nothing, and not less; the refusal names the field and what may stand there")
    func budgets() async throws {
        try await Web().running { peer, store in
            func put(_ budget: String) async throws -> Reply {
                try await peer.send(
                    .PUT, "/v1/studies/tea",
                    #"{"language":"en","instructions":"ask","budget_micros":\#(budget)}"#)
            }
            #expect(try await put("0").status == 200)
            let study = try #require(StudyID("tea"))
            #expect(await store.studiesByID[study]?.budgetMicros == 0)
            for wrong in ["-1", "1000000000001", "1.5", #""much""#] {
                let error = try await put(wrong).decode(ErrorBody.self)
                #expect(error.field == "budget_micros", "\(wrong)")
                #expect(error.message.contains("0 to 1000000000000"), "\(wrong)")
            }
        }
    }

    @Test("what of a study's budget is used is told in whole micro-dollars")
    func ledger() async throws {
        try await Web().running { peer, store in
            let study = try #require(StudyID("demo"))
            #expect(try await peer.get("/v1/studies/demo/budget").json["cap_micros"] == nil)
            await store.put(
                StudyLedger(capMicros: 9_000_000, spentMicros: 1_200_300, reservedMicros: 2_000_000, debtMicros: 7),
                of: study)
            #expect(
                try await peer.get("/v1/studies/demo/budget").decode(StudyBudgetDocument.self)
                    == StudyBudgetDocument(
                        study: study, capMicros: 9_000_000, spentMicros: 1_200_300, reservedMicros: 2_000_000,
                        debtMicros: 7))
            #expect(try await peer.get("/v1/studies/none/budget").code == "unknown_study")
        }
    }

    @Test("/metrics of the web surface is Prometheus' format, and fails while the store is away")
    func metrics() async throws {
        let store = FakeStore()
        let listener = WebSurface.metrics(host: "127.0.0.1", port: 0, logger: quiet) { () throws(StoreError) in
            "voice_study_spend_dollars \(try await store.studies().count)\n"
        }
        try await running(listener) {
            let peer = Peer.port(try await listener.port())
            let page = try await peer.get("/metrics")
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(page.text == "voice_study_spend_dollars 0\n")
            await store.fail(with: .unavailable(code: "away"))
            #expect(try await peer.get("/metrics").status == 503)
            #expect(try await peer.get("/v1/studies").status == 404)
        }
    }

    @Test("what is wrong with a study is said all at once")
    func problems() async throws {
        try await Web().running { peer, store in
            let reply = try await peer.send(
                .PUT, "/v1/studies/tea", #"{"id":"coffee","language":"1","limits":{"budget_micros":-1}}"#)
            #expect(reply.status == 400)
            let error = try reply.decode(ErrorBody.self)
            #expect(error.field == "language")
            for part in ["language is no", "limits.budget_micros is out", "id is not tea", "instructions is missing"] {
                #expect(error.message.contains(part))
            }
            #expect(await store.studiesByID.count == 1)
        }
    }
}

@Suite("WebSurface: joining")
struct WebJoinTests {
    private func session(_ store: FakeStore, _ state: SessionState = .scheduled, study: String = "demo") async throws {
        await store.put(
            SessionRecord(
                id: try #require(SessionID("s-1")), study: try #require(StudyID(study)), participant: "p", state: state,
                createdAt: StoreTime(milliseconds: 0), expiresAt: StoreTime(milliseconds: 0)))
    }

    @Test("the page learns study, language and media address with nothing but the join token")
    func join() async throws {
        var web = Web()
        web.open = false
        try await web.running { peer, store in
            try await session(store)
            let reply = try await peer.get("/v1/join/s-1", headers: ["Authorization": "Bearer join:s-1:p:9"])
            #expect(reply.status == 200)
            #expect(
                try reply.decode(JoinDocument.self)
                    == JoinDocument(
                        session: try #require(SessionID("s-1")), mediaURL: "wss://media.example", studyName: "Coffee",
                        language: "en", state: .scheduled))
        }
    }

    @Test(
        "token, session and state are refused in this order",
        arguments: [
            ("s-1", nil, 401, "token"), ("s-1", "nonsense", 401, "token"), ("s-1", "expired", 401, "token_expired"),
            ("s-1", "join:s-2:p:9", 401, "token"), ("s-1", "observe:s-1:p:9", 401, "token"),
            ("s-2", "join:s-2:p:9", 404, "unknown_session"), ("s-1", "join:s-1:p:9", 410, "ended"),
            ("a%20b", "join:s-1:p:9", 404, "unknown_session"),
        ] as [(String, String?, Int, String)])
    func refusals(id: String, token: String?, status: Int, code: String) async throws {
        try await Web().running { peer, store in
            try await session(store, .ended)
            let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
            let reply = try await peer.get("/v1/join/\(id)", headers: headers)
            #expect(reply.status == status)
            #expect(reply.code == code)
        }
    }
}

@Suite("WebSurface: the page")
struct WebPageTests {
    @Test("the join page is HTML that may load only from here")
    func page() async throws {
        try await Web().running { (peer, _) async throws in
            let page = try await peer.get("/join/s-1")
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            #expect(page.header("X-Content-Type-Options") == "nosniff")
            #expect(page.header("Referrer-Policy") == "no-referrer")
            #expect(page.header("Cache-Control") == "no-cache")
            let policy = try #require(page.header("Content-Security-Policy"))
            #expect(policy.contains("default-src 'none'"))
            #expect(policy.contains("connect-src 'self' ws: wss:"))
            #expect(!policy.contains("unsafe"))
            #expect(page.text.lowercased().hasPrefix("<!doctype html>"))
            let tag = try #require(page.header("ETag"))
            let again = try await peer.get("/join/s-1", headers: ["If-None-Match": tag])
            #expect(again.status == 304)
            #expect(again.data.isEmpty)
            #expect(try await peer.get("/join/a%20b").status == 404)
        }
    }

    @Test("what a page refers to can be fetched, with the right type", arguments: ["join.html", "start.html"])
    func references(name: String) async throws {
        let html = String(decoding: try #require(PageFiles.embeddedFiles[name]), as: UTF8.self)
        let names = html.matches(of: /(?:src|href)="\/assets\/([^"]+)"/).map { String($0.output.1) }
        #expect(!names.isEmpty)
        try await Web().running { (peer, _) async throws in
            for name in names {
                let asset = try await peer.get("/assets/\(name)")
                #expect(asset.status == 200, "\(name)")
                #expect(asset.header("Content-Type") == PageFiles.type(of: name), "\(name)")
                let isWhole = Array(asset.data) == PageFiles.embeddedFiles[name]
                #expect(isWhole, "\(name)")
            }
        }
    }

    @Test(
        "nothing outside the folder is an asset",
        arguments: [
            "/assets/..%2fPageFiles.swift", "/assets/../Package.swift", "/assets/.hidden", "/assets/none.js",
            "/assets/",
            "/assets/join.html",
        ])
    func outside(path: String) async throws {
        try await Web().running { (peer, _) async throws in #expect(try await peer.get(path).status == 404) }
    }

    @Test("the list of embedded files is what the folder holds, each of a known type")
    func listing() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/Adapters/WebSurface/Page")
        let names = try FileManager.default.contentsOfDirectory(atPath: page.path).filter { !$0.hasPrefix(".") }
        #expect(PageFiles.embeddedFiles.keys.sorted() == names.sorted())
        for name in names {
            #expect(PageFiles.type(of: name) != nil, "\(name)")
            let data = try Data(contentsOf: page.appendingPathComponent(name))
            let isCurrent = PageFiles.embeddedFiles[name] == Array(data)
            #expect(isCurrent, "\(name) has changed since the build")
        }
    }

    @Test("the start page is there in open mode only")
    func start() async throws {
        try await Web().running { (peer, _) async throws in
            let page = try await peer.get("/")
            #expect(page.status == 200)
            #expect(page.text.contains("Start an interview"))
        }
        var web = Web()
        web.open = false
        try await web.running { (peer, _) async throws in #expect(try await peer.get("/").status == 404) }
    }
}
