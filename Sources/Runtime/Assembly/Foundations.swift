import InterviewCore
import Logging
import Ports
import PostgresStore
import SQLiteStore
import SessionTokens
import Sessions
import Settings

/// What every program of this package stands on: the store with its studies, the tokens, the API keys.
package struct Foundations: Sendable {
    package let configuration: Configuration
    package let store: any Store
    /// What the store's own connections did, for metrics; nil: it has none to speak of.
    let pool: (@Sendable () -> StorePool)?
    package let tokens: JWTTokenAuthority
    package let apiKeys: ApiKeys?
    package let log: Logger

    /// Opens the store and reads the studies of `studies.folder` into it.
    /// `makesSecret`: on one host, without a secret in the environment, one is made in the state folder.
    package init(_ configuration: Configuration, makesSecret: Bool, log: Logger) async throws(AssemblyError) {
        self.configuration = configuration
        self.log = log
        do {
            if let list = configuration.secrets.tokenSecret {
                tokens = await JWTTokenAuthority(try TokenSecrets(list: list.reveal()))
            } else if makesSecret {
                tokens = await JWTTokenAuthority(try TokenSecretFile.loadOrCreate(in: configuration.stateFolder))
            } else {
                throw AssemblyError.secrets("VOICED_TOKEN_SECRET is not set: all programs of one installation share it")
            }
            apiKeys = try configuration.secrets.apiKeys.map { keys throws(AccessError) in
                try ApiKeys(list: keys.reveal())
            }
        } catch let error as AssemblyError { throw error } catch { throw .secrets("\(error)") }
        if configuration.secrets.databaseURL == nil {
            do { store = try await GRDBStore.open(.init(path: configuration.sqliteFile), logger: log) } catch {
                throw .store("\(error)")
            }
            pool = nil
        } else {
            let postgres = try await Self.openPostgres(configuration, log: log)
            store = postgres
            pool = { StorePool(postgres.statistics) }
        }
        try await saveStudies()
    }

    /// A server that is away is waited for with the doors open: `/health` says so, and nobody is admitted.
    private static func openPostgres(
        _ configuration: Configuration, log: Logger
    ) async throws(AssemblyError) -> LibPQStore {
        let secrets = configuration.secrets
        do {
            return try await LibPQStore.open(
                LibPQStore.Options(
                    address: secrets.databaseURL?.reveal() ?? "", directAddress: secrets.directDatabaseURL?.reveal(),
                    connections: configuration.storeConnections, build: BuildVersion.text, opensWithoutServer: true),
                logger: log)
        } catch { throw .store("\(error)") }
    }

    private func saveStudies() async throws(AssemblyError) {
        let studies: [Study]
        do { studies = try Documents.studies(in: configuration.studiesFolder) } catch {
            throw .configuration("\(error)")
        }
        do throws(StoreError) {
            for study in studies { try await store.save(study) }
        } catch .unavailable where pool != nil {
            log.warning("the studies wait for the store", metadata: ["studies": "\(studies.count)"])
            let (store, log) = (store, log)
            Task { await Self.saveLater(studies, in: store, log: log) }
        } catch {
            throw .store("the studies could not be saved: \(error)")
        }
    }

    private static let pauseBetweenSaves: Duration = .seconds(2)

    /// Until the store is back, or closed.
    private static func saveLater(_ studies: [Study], in store: any Store, log: Logger) async {
        while true {
            try? await Task.sleep(for: pauseBetweenSaves)
            do throws(StoreError) {
                for study in studies { try await store.save(study) }
                return log.notice("studies saved", metadata: ["studies": "\(studies.count)"])
            } catch .unavailable(let code) where code != "closed" {
                continue
            } catch {
                return log.error("the studies could not be saved", metadata: ["error": "\(error)"])
            }
        }
    }

    package func close() async { await store.close() }
}

extension StorePool {
    init(_ statistics: PostgresStatistics) {
        self.init(
            connections: statistics.connections, up: statistics.connectionsUp, busy: statistics.connectionsBusy,
            waiting: statistics.waitingCalls, calls: statistics.calls, failures: statistics.failures,
            retries: statistics.retries, reconnects: statistics.reconnects, batches: statistics.batches,
            operations: statistics.operations)
    }
}
