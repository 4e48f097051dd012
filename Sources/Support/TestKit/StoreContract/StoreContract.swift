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
        studyCases + sessionCases + claimCases + changeCases + journalCases + moneyCases + endCases + instanceCases
        + ownershipCases + signalCases + settlingCases + takeBackCases + closingCases + reapingCases + sweepCases
        + lateCases + budgetCases + ledgerCases + crowdCases

    /// No lease ends by itself while a case runs, however slow the machine is: a process dies by `retire`, and what is
    /// about time opens a store with other times beside. Steadiness is not asked for.
    package static let times = LeaseTimes(
        renewal: .seconds(60), lease: .seconds(600), lateness: .seconds(60), steady: .zero,
        remembered: .seconds(3_600))

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
                let scene = StoreScene(fixture: fixture, store: try await fixture.open(StoreContract.times))
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
    func open(_ times: LeaseTimes) async throws -> any Store
    /// All jobs of the outbox, in any order. The port has no way to read them yet.
    func outbox() async throws -> [OutboxEntry]
    func discard() async
}

/// A row of `jobs`.
package struct OutboxEntry: Sendable, Hashable, Comparable {
    package var session: String
    package var epoch: Int64
    package var kind: String
    /// 0 for the first job of this kind and epoch.
    package var ordinal: Int64

    package init(session: String, epoch: Int64, kind: String, ordinal: Int64) {
        self.session = session
        self.epoch = epoch
        self.kind = kind
        self.ordinal = ordinal
    }

    package static func < (left: OutboxEntry, right: OutboxEntry) -> Bool {
        (left.session, left.epoch, left.kind, left.ordinal) < (right.session, right.epoch, right.kind, right.ordinal)
    }
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
