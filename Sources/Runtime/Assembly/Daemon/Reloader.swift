import InterviewCore
import Logging
import Ports
import Settings

/// Reads the configuration again and puts in force what can change while the process runs: all of it, or nothing when
/// anything is wrong. One at a time.
actor Reloader {
    /// A configuration that has been checked, with the documents that it names.
    struct Fresh: Sendable {
        var configuration: Configuration
        var prices: PriceBook
        var studies: [Study]
    }

    private let source: Daemon.ConfigurationSource
    private let apply: @Sendable (Fresh) async throws(StoreError) -> Void
    private let models: [String]
    private let log: Logger
    /// By key; those that need a restart keep what the process began with.
    private var inForce: [String: String]
    private var documents: (prices: PriceBook?, studies: [Study]?) = (nil, nil)

    /// `apply` puts a checked configuration in force.
    init(
        _ configuration: Configuration, source: @escaping Daemon.ConfigurationSource, log: Logger,
        apply: @escaping @Sendable (Fresh) async throws(StoreError) -> Void
    ) {
        self.source = source
        self.apply = apply
        self.log = log
        models = [configuration.openAI.model] + (configuration.openAI.transcriptionModel.map { [$0] } ?? [])
        inForce = configuration.printed
        documents = (
            try? Documents.prices(file: configuration.pricesFile, models: models),
            try? Documents.studies(in: configuration.studiesFolder)
        )
    }

    func reload() async -> ReloadReport {
        let report = await read()
        let metadata: Logger.Metadata = [
            "applied": "\(report.applied.joined(separator: " "))",
            "needs_restart": "\(report.needsRestart.joined(separator: " "))",
        ]
        switch report.outcome {
        case .applied: log.notice("configuration reloaded", metadata: metadata)
        case .unchanged: log.notice("configuration read again: nothing is different")
        case .refused:
            for problem in report.problems {
                log.error("configuration refused, the old one stays in force", metadata: ["problem": "\(problem)"])
            }
        }
        return report
    }

    private func read() async -> ReloadReport {
        let fresh: Fresh
        do throws(ConfigurationErrors) { fresh = try check(try source()) } catch {
            return ReloadReport(outcome: .refused, problems: error.problems.map(\.description))
        }
        let change = ConfigurationChange(from: inForce, to: fresh.configuration.printed)
        var applied = change.live
        if documents.prices != fresh.prices, !applied.contains("prices.file") { applied.append("prices.file") }
        if documents.studies != fresh.studies, !applied.contains("studies.folder") { applied.append("studies.folder") }
        guard !applied.isEmpty || !change.needsRestart.isEmpty else { return ReloadReport(outcome: .unchanged) }
        if !applied.isEmpty {
            do throws(StoreError) { try await apply(fresh) } catch {
                return ReloadReport(
                    outcome: .refused, problems: ["studies.folder: the store does not take the studies; try again"])
            }
        }
        for key in change.live { inForce[key] = fresh.configuration.printed[key] }
        documents = (fresh.prices, fresh.studies)
        return ReloadReport(outcome: .applied, applied: applied, needsRestart: change.needsRestart)
    }

    /// Prices are asked for the models that this process uses, whatever the new file says: another model needs a
    /// restart.
    private func check(_ configuration: Configuration) throws(ConfigurationErrors) -> Fresh {
        var problems: [ConfigurationProblem] = []
        var prices: PriceBook?
        var studies: [Study] = []
        do throws(ConfigurationErrors) {
            prices = try Documents.prices(file: configuration.pricesFile, models: models)
        } catch { problems += error.problems }
        do throws(ConfigurationErrors) { studies = try Documents.studies(in: configuration.studiesFolder) } catch {
            problems += error.problems
        }
        guard problems.isEmpty, let prices else { throw ConfigurationErrors(problems) }
        return Fresh(configuration: configuration, prices: prices, studies: studies)
    }
}
