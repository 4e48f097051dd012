import Synchronization

/// What a fake saw, in order. A test reads it as a story: it waits for the line it expects and may look at all of it.
package final class Story<Line: Sendable & Equatable>: Sendable {
    private struct State {
        var lines: [Line] = []
        var waiters: [(matches: @Sendable (Line) -> Bool, from: Int, resume: @Sendable (Line) -> Void)] = []
    }
    private let state = Mutex(State())

    package init() {}

    package var lines: [Line] { state.withLock { $0.lines } }

    package func tell(_ line: Line) {
        let ready = state.withLock { state in
            state.lines.append(line)
            let ready = state.waiters.filter { $0.matches(line) }.map(\.resume)
            state.waiters.removeAll { $0.matches(line) }
            return ready
        }
        for resume in ready { resume(line) }
    }

    /// The first line that matches, of those told already or to come.
    @discardableResult
    package func line(where matches: @escaping @Sendable (Line) -> Bool) async -> Line {
        await withCheckedContinuation { continuation in
            let found = state.withLock { state -> Line? in
                if let line = state.lines.first(where: matches) { return line }
                state.waiters.append((matches, 0, { continuation.resume(returning: $0) }))
                return nil
            }
            if let found { continuation.resume(returning: found) }
        }
    }

    package func clear() { state.withLock { $0.lines.removeAll() } }
}
