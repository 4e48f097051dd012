import Synchronization

/// The faults that are still to happen. Each is taken by the connection that it happens to, and counted there.
package final class FaultPlan: Sendable {
    package static let maximumFaults = 10_000

    private struct State: Sendable {
        var armed: [Fault] = []
        /// Outages end by themselves; nil inside: not before they are cleared.
        var outage: (until: ContinuousClock.Instant?, isOn: Bool) = (nil, false)
    }
    private let state = Mutex(State())
    private let log: SimulatorLog

    package init(_ faults: [Fault], log: SimulatorLog) {
        self.log = log
        for fault in faults { add(fault) }
    }

    /// What is armed, with the times that are left. An outage counts while it lasts.
    package var armed: [Fault] { state.withLock { $0.armed } }

    /// False when there are too many already.
    @discardableResult
    package func add(_ fault: Fault) -> Bool {
        let added = state.withLock { state in
            guard state.armed.count < Self.maximumFaults else { return false }
            if fault.kind == .outage {
                let length = Duration.milliseconds(fault.milliseconds)
                state.outage = (fault.milliseconds == 0 ? nil : .now + length, true)
            } else {
                state.armed.append(fault)
            }
            return true
        }
        if added, fault.kind == .outage { record(fault, connection: 0) }
        return added
    }

    package func clear() {
        state.withLock { $0 = State() }
    }

    // MARK: Handshakes

    enum Handshake: Equatable {
        case goesOn
        case refused(Fault.Kind)
        case reset
    }

    /// Decides about the handshake that would become connection `number`.
    func handshake(of number: Int) -> Handshake {
        let isOut = state.withLock { state in
            guard state.outage.isOn else { return false }
            if let until = state.outage.until, until <= .now { state.outage = (nil, false) }
            return state.outage.isOn
        }
        if isOut { return .reset }
        let refusals: [Fault.Kind] = [.refuse429, .refuse401, .refuse500]
        guard let fault = take(for: number, where: { refusals.contains($0.kind) }) else { return .goesOn }
        return .refused(fault.kind)
    }

    // MARK: Conversations

    /// An answer begins: how long it is to wait for its first sound.
    func latency(for number: Int) -> Duration? {
        take(for: number, where: { $0.kind == .firstAudio }).map { .milliseconds($0.milliseconds) }
    }

    /// `deltas` pieces of an answer's sound have been sent.
    func answer(after deltas: Int, on number: Int) -> Fault? {
        take(for: number, where: { $0.happens(at: .answer) && $0.deltas == deltas })
    }

    /// The participant begins to speak, or a turn is committed.
    func fault(at moment: Fault.Moment, on number: Int) -> Fault? {
        take(for: number, where: { $0.happens(at: moment) })
    }

    private func take(for number: Int, where matches: (Fault) -> Bool) -> Fault? {
        let taken: Fault? = state.withLock { state in
            let found = state.armed.firstIndex { ($0.connection ?? number) == number && matches($0) }
            guard let index = found else { return nil }
            let fault = state.armed[index]
            switch fault.times {
            case 0: break
            case 1: state.armed.remove(at: index)
            default: state.armed[index].times -= 1
            }
            return fault
        }
        if let taken { record(taken, connection: number) }
        return taken
    }

    private func record(_ fault: Fault, connection: Int) {
        log.record(
            .fault, connection: connection,
            [
                "fault": .string(fault.kind.rawValue), "when": .string(fault.moment.rawValue),
                "of": .integer(fault.times),
            ])
    }
}

extension Fault {
    fileprivate func happens(at moment: Moment) -> Bool {
        switch kind {
        case .refuse429, .refuse401, .refuse500, .outage, .firstAudio: false
        case .closeMidResponse, .halfOpen, .garbage, .oversize, .failedResponse, .sessionExpired, .errorEvent,
            .slowReading:
            self.moment == moment
        }
    }
}
