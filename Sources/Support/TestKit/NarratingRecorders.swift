import Ports
import Synchronization

/// Recorders that count instead of writing.
package final class NarratingRecorders: RecorderFactory {
    package enum Line: Sendable, Equatable {
        case opened(session: String, epoch: Int64, position: Int64)
        case participant(bytes: Int, position: Int64)
        case agent(bytes: Int, position: Int64)
        case finished(position: Int64)
        case collected(session: String)
    }
    package let story = Story<Line>()
    private let failing = Atomic(false)

    package init() {}

    /// From now on every recording has a hole.
    package func fail() { failing.store(true, ordering: .relaxed) }
    fileprivate var isFailing: Bool { failing.load(ordering: .relaxed) }

    package func collectLeftBehind(of session: String) { story.tell(.collected(session: session)) }

    package var waitingParts: Int { 0 }

    package func open(session: String, epoch: Int64, startingAt position: Int64) -> any Recorder {
        story.tell(.opened(session: session, epoch: epoch, position: position))
        return NarratingRecorder(self)
    }
}

private final class NarratingRecorder: Recorder {
    let recorders: NarratingRecorders
    init(_ recorders: NarratingRecorders) { self.recorders = recorders }

    private var story: Story<NarratingRecorders.Line> { recorders.story }
    var failed: Bool { recorders.isFailing }
    func participant(_ packet: UnsafeRawBufferPointer, at position: Int64) {
        story.tell(.participant(bytes: packet.count, position: position))
    }
    func agent(_ packet: UnsafeRawBufferPointer, at position: Int64) {
        story.tell(.agent(bytes: packet.count, position: position))
    }
    func finish(at position: Int64) async { story.tell(.finished(position: position)) }
}
