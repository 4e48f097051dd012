import InterviewCore
import Ports

/// What every `Store` promises, as cases that any adapter's tests run. The cases know no testing library: a broken
/// promise is a thrown `ContractViolation`, which says where.
///
///     @Test(arguments: StoreContract.cases)
///     func keeps(_ promise: StoreContract.Case) async throws {
///         try await promise.run(on: SomeFixture())
///     }
package enum StoreContract {
    package static let cases: [Case] =
        studyCases + sessionCases + claimCases + changeCases + journalCases + moneyCases + endCases + reapingCases
        + crowdCases

    package struct Case: Sendable, CustomStringConvertible {
        package let name: String
        let body: @Sendable (StoreScene) async throws -> Void

        init(_ name: String, _ body: @escaping @Sendable (StoreScene) async throws -> Void) {
            self.name = name
            self.body = body
        }

        package var description: String { name }

        /// Runs on an empty store of its own and discards it, whatever happens.
        package func run(on fixture: any StoreFixture) async throws {
            do {
                let scene = StoreScene(fixture: fixture, store: try await fixture.open())
                try await body(scene)
                await scene.store.close()
            } catch {
                await fixture.discard()
                throw error
            }
            await fixture.discard()
        }
    }
}

/// An empty store to begin with, which can be opened several times: by another process, or after a restart.
package protocol StoreFixture: Sendable {
    func open() async throws -> any Store
    func discard() async
}

package struct ContractViolation: Error, CustomStringConvertible {
    package var description: String
}

func require(_ holds: Bool, _ what: String, file: StaticString = #fileID, line: UInt = #line) throws {
    guard holds else { throw ContractViolation(description: "\(what) does not hold (\(file):\(line))") }
}

func require<Value: Equatable>(
    _ value: Value, is expected: Value, file: StaticString = #fileID, line: UInt = #line
) throws {
    guard value == expected else {
        throw ContractViolation(description: "got \(value), expected \(expected) (\(file):\(line))")
    }
}

func require<Value>(_ value: Value?, file: StaticString = #fileID, line: UInt = #line) throws -> Value {
    guard let value else { throw ContractViolation(description: "nothing there (\(file):\(line))") }
    return value
}

/// Requires that `body` throws exactly `expected`.
func require(
    throws expected: StoreError, file: StaticString = #fileID, line: UInt = #line,
    _ body: () async throws(StoreError) -> Void
) async throws {
    do {
        try await body()
    } catch {
        guard error == expected else {
            throw ContractViolation(description: "threw \(error), expected \(expected) (\(file):\(line))")
        }
        return
    }
    throw ContractViolation(description: "did not throw \(expected) (\(file):\(line))")
}
