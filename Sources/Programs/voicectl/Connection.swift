import ArgumentParser
import Foundation
import WireFormats

/// What every verb takes.
package struct Connection: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The daemon's admin socket.",
            discussion: "Default: $VOICED_ADMIN_SOCKET, /run/voiced/admin.sock, or admin.sock in the state folder.",
            valueName: "path"))
    package var socket: String?

    @Flag(name: .long, help: "Print the daemon's answer as JSON, for programs.")
    var json = false

    package init() {}

    /// The socket's path, or why there is none.
    package func place(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Failure) -> String
    {
        let configured = socket ?? environment[AdminSocketPath.variable]
        let places = AdminSocketPath.candidates(
            configured: configured, stateFolder: StateFolder.initial(environment: environment))
        for place in places {
            guard access(place, F_OK) == 0 else {
                // A folder that may not be entered hides whether there is a socket.
                if errno == EACCES { throw .notPermitted(place) }
                continue
            }
            guard access(place, R_OK | W_OK) == 0 else { throw .notPermitted(place) }
            return place
        }
        throw .noSocket(places)
    }
}
