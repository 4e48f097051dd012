import Foundation
import Synchronization

/// A place for a daemon: ports, files and environment stay, its process is replaced.
package final class DaemonSlot: Sendable {
    /// From 1.
    package let number: Int
    package let ports: RigPorts
    package let stateFolder: String
    package let adminSocket: String
    private let program: String
    private let configuration: String
    private let environment: [String: String]
    private let folder: String
    private let processes: Mutex<[ChildProcess]>

    /// The name of `what` in the drill's folder: the first slot has the plain ones.
    static func name(_ what: String, _ number: Int) -> String { number == 1 ? what : "\(what)-\(number)" }

    /// Writes nothing; starts the first process.
    init(
        number: Int, program: String, ports: RigPorts, folder: String, environment: [String: String]
    ) throws {
        self.number = number
        self.ports = ports
        self.program = program
        self.folder = folder
        self.environment = environment
        stateFolder = "\(folder)/\(Self.name("state", number))"
        adminSocket = "\(folder)/\(Self.name("admin", number)).sock"
        configuration = "\(folder)/\(Self.name("voiced", number)).yaml"
        processes = Mutex([
            try ChildProcess(
                program, ["run", "--config", configuration], environment: environment, folder: folder,
                name: Self.name("voiced", number))
        ])
    }

    /// The process of the moment.
    package var process: ChildProcess { processes.withLock { $0[$0.count - 1] } }
    /// How many processes there have been.
    package var starts: Int { processes.withLock(\.count) }

    /// Another process on the same configuration, state and ports; the last one is gone. `more` wins over the slot's
    /// environment.
    func startAnother(_ more: [String: String] = [:]) throws {
        let started = try ChildProcess(
            program, ["run", "--config", configuration], environment: environment.merging(more) { $1 },
            folder: folder, name: "\(Self.name("voiced", number)).\(starts + 1)")
        processes.withLock { $0.append(started) }
    }
}
