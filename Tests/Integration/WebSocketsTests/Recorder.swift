import EventLoops
import Synchronization
import WebSockets

enum Event: Equatable, Sendable {
    case opened
    case text(String)
    case binary([UInt8])
    case ended(WebSocketEnd)
}

/// A handler that tells what happened, as a story.
final class Recorder: WebSocketHandler {
    private let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let whenOpened: @Sendable (WebSocket) -> Void
    private let whenHeard: @Sendable (WebSocket, Event) -> Void
    private let offLoop = Mutex(false)
    private let heardAnything = Mutex(false)

    init(
        whenOpened: @escaping @Sendable (WebSocket) -> Void = { _ in },
        whenHeard: @escaping @Sendable (WebSocket, Event) -> Void = { _, _ in }
    ) {
        (stream, continuation) = AsyncStream.makeStream()
        self.whenOpened = whenOpened
        self.whenHeard = whenHeard
    }

    /// Everything up to and with the end.
    func story() async -> [Event] {
        var events: [Event] = []
        for await event in stream {
            events.append(event)
            if case .ended = event { break }
        }
        return events
    }

    /// Everything until `count` events have come.
    func first(_ count: Int) async -> [Event] {
        var events: [Event] = []
        for await event in stream {
            events.append(event)
            if events.count == count { break }
        }
        return events
    }

    var isSilent: Bool { heardAnything.withLock { !$0 } }
    var wasCalledElsewhere: Bool { offLoop.withLock { $0 } }

    private func note(_ event: Event, _ socket: WebSocket) {
        if !socket.loop.isCurrent { offLoop.withLock { $0 = true } }
        heardAnything.withLock { $0 = true }
        continuation.yield(event)
    }

    func webSocketOpened(_ socket: WebSocket) {
        note(.opened, socket)
        whenOpened(socket)
    }

    func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {
        let event: Event =
            switch kind {
            case .text: .text(String(decoding: bytes, as: UTF8.self))
            case .binary: .binary(Array(bytes))
            }
        note(event, socket)
        whenHeard(socket, event)
    }

    func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {
        note(.ended(end), socket)
    }
}

extension WebSocket {
    func send(_ text: String) {
        var text = text
        text.withUTF8 { send(.text, UnsafeRawBufferPointer($0)) }
    }
}

extension EventLoop {
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            post { continuation.resume(returning: body()) }
        }
    }
}

/// A loop with the library on it, for one test. Nothing may be left of it afterwards.
func withContext<Result: Sendable>(
    trust: TrustStore = .system, limits: WebSocketLimits = WebSocketLimits(),
    _ body: (WebSocketContext) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop(index: 0)
    let context = try WebSocketContext.makeAll(on: [loop], trust: trust, limits: limits)[0]
    loop.start()
    do {
        let result = try await body(context)
        await loop.run { context.destroy() }
        await loop.stop()
        return result
    } catch {
        await loop.run { context.destroy() }
        await loop.stop()
        throw error
    }
}
