import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// One HTTP/1.1 listener with its routes, as a service: `run()` serves until graceful shutdown, then finishes what is
/// in flight. It binds when it runs; `port()` waits for that. Leaves routing, parsing and shutdown to Hummingbird.
package final class HTTPListener: Service, Sendable, CustomStringConvertible {
    /// What one peer, or all of them together, may use up.
    package struct Limits: Sendable {
        /// Connections at a time; more wait in the kernel's queue.
        package var connections = 1_024
        package var headBytes = 16_384
        package var headers = 100
        /// A connection on which nothing happens.
        package var idle = TimeAmount.seconds(60)
        package init() {}
    }

    private let address: ListenAddress
    private let setting: String
    private let responder: RouterResponder<SurfaceContext>
    private let limits: Limits
    private let logger: Logger
    private let binding: Binding

    /// `setting`: the configuration key that an operator changes when the address does not work, for example
    /// `agent.port`.
    package init(_ address: ListenAddress, setting: String, routes: Routes, limits: Limits = Limits(), logger: Logger) {
        self.address = address
        self.setting = setting
        self.responder = routes.build()
        self.limits = limits
        // Hummingbird tells of every start at info level; whoever starts us says it once, in one place.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        self.logger = quiet
        self.binding = Binding()
    }

    package var description: String { "HTTP on \(address)" }

    /// The port that was bound, 0 for a Unix socket. Waits for `run()`; throws what kept it from binding.
    package func port() async throws(ListenError) -> Int { try await binding.outcome().get() }

    package func run() async throws {
        defer { binding.settle(.failure(.stopped(address))) }
        switch address {
        case .tcp(let host, let port):
            try await serve(.hostname(host, port: port)) { .success($0.localAddress?.port ?? port) }
        case .unix(let path):
            let socket: UnixSocketFile
            do {
                socket = try UnixSocketFile(path: path)
            } catch {
                binding.settle(.failure(error))
                throw error
            }
            defer { socket.remove() }
            try await serve(.unixDomainSocket(path: socket.bindPath)) { _ in socket.publish().map { 0 } }
        }
    }

    private func serve(
        _ bind: BindAddress, ready: @escaping @Sendable (any Channel) -> Result<Int, ListenError>
    ) async throws {
        let binding = binding
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: limits.idle,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes,
                        maxHeaderFieldCount: limits.headers))),
            configuration: ApplicationConfiguration(
                address: bind, backlog: 256,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            onServerRunning: { channel in
                let outcome = ready(channel)
                binding.settle(outcome)
                if case .failure = outcome { channel.close(promise: nil) }
            }, logger: logger)
        do {
            try await application.run()
        } catch {
            // What came after a successful start is the caller's business as it is.
            guard binding.settle(.failure(translated(error))) else { throw error }
        }
        if case .failure(let error)? = binding.settled { throw error }
    }

    private func translated(_ error: any Error) -> ListenError {
        switch error {
        case let error as ListenError: error
        case let error as IOError:
            switch error.errnoCode {
            case EADDRINUSE: .inUse(address, setting: setting)
            case EACCES, EPERM: .notPermitted(address, setting: setting)
            case EADDRNOTAVAIL: .noSuchHost(address, setting: setting.replacing(".port", with: ".host"))
            case let code: .failed(address, code: code)
            }
        case is SocketAddressError: .noSuchHost(address, setting: setting.replacing(".port", with: ".host"))
        case is CancellationError: .stopped(address)
        default: .failed(address, code: 0)
        }
    }
}

/// What became of the attempt to bind: told once, asked for any number of times, before or after.
private final class Binding: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Result<Int, ListenError>, Never>])
        case settled(Result<Int, ListenError>)
    }
    private let state = Mutex(State.waiting([]))

    /// False when it was settled before: the first word counts.
    @discardableResult
    func settle(_ outcome: Result<Int, ListenError>) -> Bool {
        let waiting = state.withLock { state -> [CheckedContinuation<Result<Int, ListenError>, Never>]? in
            guard case .waiting(let waiting) = state else { return nil }
            state = .settled(outcome)
            return waiting
        }
        waiting?.forEach { $0.resume(returning: outcome) }
        return waiting != nil
    }

    var settled: Result<Int, ListenError>? {
        state.withLock { if case .settled(let outcome) = $0 { outcome } else { nil } }
    }

    func outcome() async -> Result<Int, ListenError> {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Result<Int, ListenError>? in
                switch state {
                case .settled(let outcome): return outcome
                case .waiting(var waiting):
                    waiting.append(continuation)
                    state = .waiting(waiting)
                    return nil
                }
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
