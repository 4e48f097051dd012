import InterviewCore
import Ports
import Synchronization

/// A provider that tells what it was asked for and says what the test wants.
package final class NarratingProvider: ProviderFactory {
    package enum Line: Sendable, Equatable {
        case opened(ProviderSetup)
        case heard(samples: Int)
        case asked(instructions: String?)
        case cancelled
        case truncated(item: String, heard: Duration)
        case tool(call: String, output: String, thenSpeak: Bool)
        case pinged(within: Duration)
        case closed
    }

    package let name = "fake"
    package let model = "fake-model"
    package let transcriptionModel: String? = "fake-transcriber"
    package let inputRate = 24_000
    package let outputRate = 24_000
    package let story = Story<Line>()
    private let connections = Mutex<[Connection]>([])

    package init() {}

    package func open(
        on loop: any SessionLoop, setup: ProviderSetup, events: any ProviderEvents
    ) -> any ProviderConnection {
        let connection = Connection(loop: loop, events: events, story: story)
        connections.withLock { $0.append(connection) }
        story.tell(.opened(setup))
        return connection
    }

    /// The connection opened last.
    package var latest: Connection? { connections.withLock { $0.last } }
    package var openedCount: Int { connections.withLock { $0.count } }

    /// Touched on its loop only.
    package final class Connection: ProviderConnection, @unchecked Sendable {
        private let loop: any SessionLoop
        private let events: any ProviderEvents
        private let story: Story<Line>
        package private(set) var isClosed = false
        /// Everything that it was given.
        package private(set) var samples: [Int16] = []

        init(loop: any SessionLoop, events: any ProviderEvents, story: Story<Line>) {
            self.loop = loop
            self.events = events
            self.story = story
        }

        package func appendAudio(_ samples: UnsafeBufferPointer<Int16>) -> Bool {
            self.samples.append(contentsOf: samples)
            story.tell(.heard(samples: samples.count))
            return true
        }
        package func requestAnswer(instructions: String?) { story.tell(.asked(instructions: instructions)) }
        package func cancelAnswer() { story.tell(.cancelled) }
        package func truncate(item: String, heard: Duration) { story.tell(.truncated(item: item, heard: heard)) }
        package func answerTool(call: String, output: String, thenSpeak: Bool) {
            story.tell(.tool(call: call, output: output, thenSpeak: thenSpeak))
        }
        package func ping(within time: Duration) { story.tell(.pinged(within: time)) }
        package func close() {
            isClosed = true
            story.tell(.closed)
        }

        /// On the loop.
        package func says(_ event: ProviderEvent) {
            guard !isClosed else { return }
            events.provider(self, did: event)
        }
        /// On the loop.
        package func speaks(_ samples: [Int16], item: String, response: String) {
            guard !isClosed else { return }
            samples.withUnsafeBufferPointer { events.provider(self, spoke: $0, item: item, response: response) }
        }
    }
}
