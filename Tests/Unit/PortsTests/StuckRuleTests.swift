import InterviewCore
import Ports
import Testing

@Suite struct StuckRuleTests {
    private static let now = StoreTime(milliseconds: 1_000_000_000)
    private static func ago(_ seconds: Int64) -> StoreTime {
        StoreTime(milliseconds: now.milliseconds - seconds * 1_000)
    }

    private static func instance(_ name: String, lease: Int64) -> InstanceRecord {
        InstanceRecord(
            id: InstanceID(name), build: "b", mediaAddress: "a:1", mediaURL: nil, capacity: 1, active: 0,
            draining: false, startedAt: ago(1_000), leaseLeftMilliseconds: lease, changed: 0, settled: 0)
    }

    private let rule = StuckRule(
        instances: [instance("alive", lease: 5_000), instance("dead", lease: -30_000)], now: now
    ) { _ in (hardLimit: .seconds(600), rejoin: .seconds(120)) }

    private func row(_ state: SessionState, owner: String? = nil, _ change: (inout SessionRecord) -> Void = { _ in })
        throws -> SessionRecord
    {
        var row = SessionRecord(
            id: try #require(SessionID("s")), study: try #require(StudyID("d")), participant: "p", state: state,
            ownership: Ownership(owner: owner.map { InstanceID($0) }, epoch: 4), createdAt: Self.ago(5_000),
            expiresAt: Self.ago(-60), startedAt: Self.ago(30))
        change(&row)
        return row
    }

    private func verdict(_ row: SessionRecord) -> String? {
        rule.judge(row).map { "\($0.cause.rawValue) \($0.seconds.map(String.init) ?? "-")" }
    }

    @Test("what is in order is not stuck, nor what reapers are about to settle")
    func inOrder() throws {
        #expect(verdict(try row(.scheduled)) == nil)
        #expect(verdict(try row(.scheduled) { $0.expiresAt = Self.ago(9) }) == nil)
        #expect(verdict(try row(.active, owner: "alive")) == nil)
        #expect(verdict(try row(.active, owner: "alive") { $0.startedAt = Self.ago(1_329) }) == nil)
        #expect(verdict(try row(.interrupted) { $0.rejoinUntil = Self.ago(9) }) == nil)
        #expect(verdict(try row(.interrupted, owner: "dead")) == nil)
        #expect(verdict(try row(.ended) { $0.closeRequest = "x" }) == nil)
    }

    @Test("each way to be stuck has its word, and since when where that is known")
    func stuck() throws {
        #expect(verdict(try row(.active)) == "owner_lost -")
        #expect(verdict(try row(.active, owner: "nobody")) == "owner_lost -")
        #expect(verdict(try row(.active, owner: "dead")) == "owner_lost 30")
        #expect(verdict(try row(.scheduled) { $0.expiresAt = Self.ago(11) }) == "never_joined 11")
        #expect(verdict(try row(.interrupted) { $0.rejoinUntil = Self.ago(61) }) == "window_past 61")
        #expect(verdict(try row(.active, owner: "alive") { $0.startedAt = Self.ago(1_331) }) == "overtime 11")
        #expect(verdict(try row(.active, owner: "alive") { $0.closeRequest = "" }) == "close_unheard -")
    }
}
