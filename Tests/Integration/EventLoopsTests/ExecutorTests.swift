import EventLoops
import Glibc
import Ports
import Synchronization
import Testing

@Suite struct ExecutorTests {
    @Test("an actor pinned to a loop runs on its thread, also after every kind of waiting")
    func pinnedActorStays() async throws {
        try await withLoop { loop in
            let actor = PinnedActor(loop: loop)
            #expect(await actor.places() == [true, true, true, true, true])
        }
    }

    @Test("four loops run their own actors, and calls across loops return home")
    func fourLoops() async throws {
        let loops = try (0..<4).map { try EventLoop(index: $0) }
        for loop in loops { loop.start() }
        let actors = loops.map { PinnedActor(loop: $0) }
        await withTaskGroup(of: [Bool].self) { group in
            for (index, actor) in actors.enumerated() {
                for _ in 0..<250 {
                    let other = actors[(index + 1) % actors.count]
                    group.addTask { await actor.ask(other) }
                }
            }
            for await places in group { #expect(places == [true, true, true]) }
        }
        for actor in actors { #expect(await actor.calls == 250) }
        for loop in loops { await loop.stop() }
    }

    @Test("work from many threads runs once each, on the loop")
    func enqueueFromThreads() async throws {
        try await withLoop { loop in
            let done = Mutex(0)
            let elsewhere = Mutex(0)
            await withCheckedContinuation { continuation in
                for _ in 0..<8 {
                    let thread = ThreadBox {
                        for _ in 0..<1_000 {
                            loop.post {
                                if !loop.isCurrent { elsewhere.withLock { $0 += 1 } }
                                let all = done.withLock { count in
                                    count += 1
                                    return count == 8_000
                                }
                                if all { continuation.resume() }
                            }
                        }
                    }
                    thread.start()
                }
            }
            #expect(done.withLock { $0 } == 8_000)
            #expect(elsewhere.withLock { $0 } == 0)
        }
    }

    @Test("what one thread posts runs in order, and what a job posts runs after it")
    func order() async throws {
        try await withLoop { loop in
            let seen = Mutex<[Int]>([])
            await withCheckedContinuation { continuation in
                loop.post {
                    loop.post {
                        seen.withLock { $0.append(100) }
                        continuation.resume()
                    }
                    seen.withLock { $0.append(0) }
                }
                for number in 1...50 { loop.post { seen.withLock { $0.append(number) } } }
            }
            let result = seen.withLock { $0 }
            #expect(result.filter { $0 != 100 }.starts(with: result.filter { $0 != 100 }.sorted()))
            #expect(result.firstIndex(of: 0)! < result.firstIndex(of: 100)!)
        }
    }

    @Test("isolation can be asked for and assumed")
    func isolation() async throws {
        try await withLoop { loop in
            #expect(loop.isIsolatingCurrentContext() == false)
            let inside = await loop.run { (loop.isIsolatingCurrentContext(), EventLoop.current === loop) }
            #expect(inside == (true, true))
            let actor = PinnedActor(loop: loop)
            let calls = await loop.run { actor.assumeIsolated { $0.calls } }
            #expect(calls == 0)
            #expect(EventLoop.current == nil)
        }
    }

    @Test("the thread bears the loop's name")
    func threadName() async throws {
        try await withLoop(index: 7) { loop in
            let name = await loop.run {
                guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
                defer { fclose(file) }
                var name = [UInt8](repeating: 0, count: 64)
                let count = fread(&name, 1, name.count, file)
                return String(decoding: name.prefix(count), as: UTF8.self)
            }
            #expect(name == "loop-7\n")
        }
    }

    @Test("stopping runs what was posted before and lets the loop go")
    func stop() async throws {
        weak var gone: EventLoop?
        let ran = Mutex(0)
        do {
            let loop = try EventLoop(index: 0)
            gone = loop
            loop.start()
            for _ in 0..<100 { loop.post { ran.withLock { $0 += 1 } } }
            await loop.stop()
            await loop.stop()
            #expect(ran.withLock { $0 } == 100)
        }
        #expect(gone == nil)
    }

    @Test("a loop that never started goes quietly")
    func neverStarted() throws {
        weak var gone: EventLoop?
        do {
            let loop = try EventLoop(index: 0)
            gone = loop
            #expect(!loop.isStarted)
        }
        #expect(gone == nil)
    }
}

/// A plain thread: the pool would serialise most of what it is given on two cores.
private final class ThreadBox: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadBox>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }
}
