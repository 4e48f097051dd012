import InterviewCore
import Logging
import Ports

// MARK: - What nobody runs any more
extension SessionSupervisor {
    /// Rows in one transaction.
    static let reapedAtOnce = 100

    /// Any process reaps, all of them at once: the store lets each row be settled once, and only by a process that has
    /// been in touch with it for long enough.
    func reapUntilStopped() async {
        while !Task.isCancelled {
            do throws(StoreError) {
                while !Task.isCancelled, try await reap() == Self.reapedAtOnce {}
            } catch {
                // The ping says that the store is away.
                log.debug("no reaping", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: settings.reapInterval) } catch { return }
        }
    }

    private func reap() async throws(StoreError) -> Int {
        guard lease.isConfirmed else { return 0 }
        let reaped = try await services.store.reap(
            Sweep(
                by: settings.instance, limit: Self.reapedAtOnce, defaultRejoin: settings.limits.rejoin,
                defaultHardLimit: settings.limits.hardLimit))
        for row in reaped {
            services.metrics.add(Metric.sessionsReaped, [row.cause.rawValue])
            services.recorders.collectLeftBehind(of: row.record.id.text)
            log.info(
                "session reaped",
                metadata: [
                    "session": "\(row.record.id)", "cause": "\(row.cause.rawValue)",
                    "reason": "\(row.record.completionReason?.rawValue ?? "-")",
                ])
        }
        return reaped.count
    }
}
