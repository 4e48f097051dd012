import ArgumentParser
import Dispatch
import EventLoops
import Foundation
import WebSockets

/// The minimal gateway, a process of its own: what the bindings and the codec cost when nothing else is done.
struct Floor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The minimal gateway that voiced is compared with.", shouldDisplay: false)

    @Option(help: "Port of the loopback for participants.")
    var port: UInt16

    @Option(help: "Port of the loopback that the simulator listens on.")
    var simulator: UInt16

    func run() async throws {
        let loop = try EventLoop(index: 0)
        let context = try WebSocketContext.makeAll(on: [loop], trust: .system)[0]
        let listener = try FloorListener(port: port, context: context, provider: target)
        loop.start()
        loop.post { listener.start() }
        signal(SIGTERM, SIG_IGN)
        let ending = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        // Nothing in here is worth an orderly end.
        ending.setEventHandler { _exit(0) }
        ending.resume()
        while !Task.isCancelled { try await Task.sleep(for: .seconds(3_600)) }
    }

    private var target: WebSocketTarget {
        WebSocketTarget(
            secure: false, host: "127.0.0.1", address: "127.0.0.1", port: simulator,
            path: "/v1/realtime?model=gpt-realtime-2.1", headers: [("Authorization", "Bearer floor")])
    }
}
