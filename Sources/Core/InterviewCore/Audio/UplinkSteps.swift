/// What a session does with one frame of the participant, in order; at most four steps, without an allocation.
package struct UplinkSteps: Sequence, Hashable, Sendable, ExpressibleByArrayLiteral {
    package enum Step: Hashable, Sendable {
        /// Lost sound: let the decoder invent `units` (a multiple of 2.5 ms) and give it to the provider.
        case conceal(units: Int64)
        /// Give the provider `units` (a multiple of 2.5 ms) of digital silence.
        case silence(units: Int64)
        /// Forget what the decoder knows: what follows has nothing to do with what was before.
        case resynchronise
        /// Decode this frame, give it to the provider, record the packet at `position` (48 kHz units since the
        /// conversation began). Should it not decode after all, conceal its length instead.
        case deliver(position: Int64)
        /// Heard already: do nothing.
        case drop
    }

    /// Resynchronise, conceal, silence, deliver.
    package static let longest = 4

    private var slots: (Step?, Step?, Step?, Step?) = (nil, nil, nil, nil)
    package private(set) var count = 0

    package init() {}
    package init(arrayLiteral elements: Step...) {
        for element in elements { append(element) }
    }

    /// Beyond `longest` steps are ignored; the timeline never makes more.
    mutating func append(_ step: Step) {
        switch count {
        case 0: slots.0 = step
        case 1: slots.1 = step
        case 2: slots.2 = step
        case 3: slots.3 = step
        default: return
        }
        count += 1
    }

    package subscript(index: Int) -> Step? {
        switch index {
        case 0: slots.0
        case 1: slots.1
        case 2: slots.2
        case 3: slots.3
        default: nil
        }
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.slots.0 == right.slots.0 && left.slots.1 == right.slots.1 && left.slots.2 == right.slots.2
            && left.slots.3 == right.slots.3
    }
    package func hash(into hasher: inout Hasher) {
        for step in self { hasher.combine(step) }
    }

    package struct Iterator: IteratorProtocol {
        let steps: UplinkSteps
        var index = 0
        package mutating func next() -> Step? {
            defer { index += 1 }
            return steps[index]
        }
    }
    package func makeIterator() -> Iterator { Iterator(steps: self) }
}
