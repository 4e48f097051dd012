/// What a store's connections are doing and have done since the process began, where it has connections of its own.
package struct StorePool: Sendable, Hashable {
    package var connections: Int
    package var up: Int
    package var busy: Int
    /// Calls that no connection has taken up yet.
    package var waiting: Int
    package var calls: Int
    /// By SQLSTATE class or our own word.
    package var failures: [String: Int]
    package var retries: Int
    package var reconnects: Int
    /// Group commits, and the operations in them.
    package var batches: Int
    package var operations: Int

    package init(
        connections: Int, up: Int, busy: Int, waiting: Int, calls: Int, failures: [String: Int], retries: Int,
        reconnects: Int, batches: Int, operations: Int
    ) {
        self.connections = connections
        self.up = up
        self.busy = busy
        self.waiting = waiting
        self.calls = calls
        self.failures = failures
        self.retries = retries
        self.reconnects = reconnects
        self.batches = batches
        self.operations = operations
    }

    /// Into the page's families.
    func tell(_ metrics: MetricsRegistry) {
        metrics.set(Metric.storeConnections, ["configured"], to: Double(connections))
        metrics.set(Metric.storeConnections, ["up"], to: Double(up))
        metrics.set(Metric.storeConnections, ["busy"], to: Double(busy))
        metrics.set(Metric.storeWaiting, to: Double(waiting))
        metrics.set(Metric.storeCalls, to: Double(calls))
        for (code, count) in failures { metrics.set(Metric.storeFailures, [code], to: Double(count)) }
        metrics.set(Metric.storeRetries, to: Double(retries))
        metrics.set(Metric.storeReconnects, to: Double(reconnects))
        metrics.set(Metric.storeCommits, to: Double(batches))
        metrics.set(Metric.storeCommitted, to: Double(operations))
    }
}
