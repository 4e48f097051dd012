import EventLoops

/// An actor that lives on a loop, as sessions do.
actor PinnedActor {
    nonisolated let loop: EventLoop
    private(set) var calls = 0

    init(loop: EventLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    func count() -> Bool {
        calls += 1
        return loop.isCurrent
    }

    /// Where it runs before and after each kind of suspension.
    func places() async -> [Bool] {
        var places = [loop.isCurrent]
        try? await Task.sleep(for: .milliseconds(1))
        places.append(loop.isCurrent)
        await withCheckedContinuation { continuation in
            _ = loop.schedule(at: loop.now + .milliseconds(1)) { continuation.resume() }
        }
        places.append(loop.isCurrent)
        await Task {}.value
        places.append(loop.isCurrent)
        let inner = Task { self.loop.isCurrent }
        places.append(await inner.value)
        return places
    }

    /// A chain of calls between actors.
    func ask(_ other: PinnedActor) async -> [Bool] {
        let before = loop.isCurrent
        let there = await other.count()
        return [before, there, loop.isCurrent]
    }
}

/// A loop that runs for one test.
func withLoop<Result: Sendable>(
    index: Int = 0, _ body: (EventLoop) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop(index: index)
    loop.start()
    do {
        let result = try await body(loop)
        await loop.stop()
        return result
    } catch {
        await loop.stop()
        throw error
    }
}

extension EventLoop {
    /// Runs `body` on the loop.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            post { continuation.resume(returning: body()) }
        }
    }
}
