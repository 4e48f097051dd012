import InterviewCore

/// What operators and probes may ask of the running process; the surfaces (HTTP, admin socket) call it.
package protocol Control: Sendable {
    /// For `/health` and `/readyz`.
    func health() async -> HealthReport
    /// False when every loop is stuck, or one for 60 s.
    func isAlive() async -> Bool
    /// Prometheus text exposition.
    func metricsPage() async -> String
    func status() async -> StatusReport
    /// Sessions of this process, by start.
    func sessions() async -> [SessionSummary]
    func session(_ id: SessionID) async -> SessionDetail?
    /// What the sessions of this process have cost, by start.
    func costs() async -> [SessionCost]
    func cost(of id: SessionID) async -> SessionCost?
    /// All processes that the store knows.
    func fleet() async throws(StoreError) -> FleetReport
    /// Sessions of any process that nobody runs as they should be run.
    func stuck() async throws(StoreError) -> StuckReport
    /// Ends a session of any process with `admin_closed`: one of this process now, one that nobody runs now, another's by
    /// asking its owner.
    func close(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseOutcome
    /// Begins a drain, or answers with the one that runs. `timeout` nil: as configured.
    func drain(timeout: Duration?) async -> DrainReport
}
