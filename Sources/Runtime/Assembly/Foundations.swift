import InterviewCore
import Logging
import Ports
import SQLiteStore
import SessionTokens
import Settings

/// What every program of this package stands on: the store with its studies, the tokens, the API keys.
package struct Foundations: Sendable {
    package let configuration: Configuration
    package let store: GRDBStore
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
        do { store = try await GRDBStore.open(.init(path: configuration.sqliteFile), logger: log) } catch {
            throw .store("\(error)")
        }
        do {
            for study in try Documents.studies(in: configuration.studiesFolder) {
                do { try await store.save(study) } catch {
                    throw AssemblyError.store("study \(study.id) could not be saved: \(error)")
                }
            }
        } catch let error as AssemblyError { throw error } catch { throw .configuration("\(error)") }
    }

    package func close() async { await store.close() }
}
