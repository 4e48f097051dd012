import Foundation
import Synchronization

/// A real HAProxy before several processes, as a deployment has it: who asks is sent to one that says it is ready. A
/// process that is not ready any more keeps the lines that it has.
package final class HAProxy: Sendable {
    package struct Server: Sendable {
        package var name: String
        package var port: Int
        /// Where `/readyz` answers.
        package var healthPort: Int

        package init(name: String, port: Int, healthPort: Int) {
            self.name = name
            self.port = port
            self.healthPort = healthPort
        }
    }

    package let port: Int
    package let folder: String
    private let process: ServerProcess

    /// `port`: of the loopback, free.
    package static func start(port: Int, before servers: [Server]) async throws -> HAProxy {
        let places = ["/usr/sbin/haproxy", "/usr/bin/haproxy", "/usr/local/sbin/haproxy"]
        guard let program = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw ServerFailure("HAProxy is not installed: .ci/deps test")
        }
        let folder = NSTemporaryDirectory() + "voiced-haproxy-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try settings(port: port, servers).write(toFile: "\(folder)/haproxy.cfg", atomically: false, encoding: .utf8)
        let started = try ServerProcess(
            program, ["-db", "-f", "\(folder)/haproxy.cfg"], log: "\(folder)/output.log", folder: folder)
        let proxy = HAProxy(port: port, folder: folder, process: started)
        let listens = try await waits(
            until: {
                guard started.isRunning else { throw ServerFailure("HAProxy ended: \(proxy.log.suffix(800))") }
                return (try? RawClient.connect(port: UInt16(port))) != nil
            }, within: .seconds(15))
        guard listens else { throw ServerFailure("HAProxy does not listen: \(proxy.log.suffix(800))") }
        return proxy
    }

    private init(port: Int, folder: String, process: ServerProcess) {
        self.port = port
        self.folder = folder
        self.process = process
    }

    deinit {
        process.send(SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)
    }

    package func stop() async throws { try await process.end(SIGTERM) }

    package var log: String { (try? String(contentsOfFile: "\(folder)/output.log", encoding: .utf8)) ?? "" }

    /// A server that is gone is noticed by the refused connection, and the request goes to another at once
    /// (`redispatch 1`); one that stands still is noticed by its probe.
    private static func settings(port: Int, _ servers: [Server]) -> String {
        """
        global
            maxconn 4000

        defaults
            mode http
            timeout connect 1s
            timeout client 60s
            timeout server 60s
            timeout tunnel 1h
            timeout check 1s
            retries 3
            option redispatch 1

        frontend media
            bind 127.0.0.1:\(port)
            default_backend voiced

        backend voiced
            balance roundrobin
            option httpchk GET /readyz
            http-check expect status 200
            default-server inter 200ms fall 1 rise 1
        \(servers.map { "    server \($0.name) 127.0.0.1:\($0.port) check port \($0.healthPort)" }.joined(separator: "\n"))

        """
    }
}
