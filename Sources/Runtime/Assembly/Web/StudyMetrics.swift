import InterviewCore
import Ports
import Sessions

/// What studies have cost, read from the store at every scrape: the daemons know their own sessions only, so one
/// exporter speaks for all of them.
package struct StudyMetrics: Sendable {
    /// What has been used, debt included.
    static let spend = MetricsRegistry.Family(
        "voice_study_spend_dollars", .gauge, help: "What all sessions of a study have cost so far.",
        labels: ["study_id"])
    /// Only of studies that have a cap.
    static let budget = MetricsRegistry.Family(
        "voice_study_budget_dollars", .gauge, help: "What all sessions of a study together may cost.",
        labels: ["study_id"])

    private let store: any Store

    package init(store: any Store) { self.store = store }

    /// At most `MetricsRegistry.mostSeriesPerFamily` studies, in the order of their ids.
    package func page() async throws(StoreError) -> String {
        let registry = MetricsRegistry(families: [Self.spend, Self.budget])
        for study in try await store.studies().prefix(MetricsRegistry.mostSeriesPerFamily) {
            guard let ledger = try await store.ledger(of: study.id) else { continue }
            registry.set(
                Self.spend, [study.id.text], to: Double(ledger.spentMicros + ledger.debtMicros) / 1_000_000)
            if let cap = ledger.capMicros { registry.set(Self.budget, [study.id.text], to: Double(cap) / 1_000_000) }
        }
        return registry.page()
    }
}
