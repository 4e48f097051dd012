import Foundation

/// Something that a peer's bytes reach. An input is right when the code under it neither traps nor breaks one of the
/// target's invariants; what it answers is its own business.
protocol FuzzTarget: AnyObject {
    /// On the command line, and the folder in the corpus.
    var name: String { get }
    /// Part of all inputs, relative to the other targets': the cheaper one input, the more of them.
    var share: Int { get }
    /// Bytes; beyond the product's own limit, so that the limit is met too.
    var longestInput: Int { get }
    var seeds: [[UInt8]] { get }
    /// What to put in while mutating.
    var words: [[UInt8]] { get }
    /// A new input, more or less as a peer would write it.
    func generate(_ random: inout Random) -> [UInt8]
    /// Mends what mutation breaks in almost every input and a peer would have right, such as a checksum.
    func mend(_ input: inout [UInt8], _ random: inout Random)
    /// Runs one input. `input` ends where memory ends: a read behind it is a crash.
    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer
}

extension FuzzTarget {
    var share: Int { 100 }
    var words: [[UInt8]] { [] }
    func mend(_ input: inout [UInt8], _ random: inout Random) {}
}

/// Whether the code under test found sense in an input. A target of which next to none is accepted tests its door only;
/// the run then fails.
enum Answer {
    case accepted
    case refused
}

/// An invariant that does not hold.
struct Broken: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

/// `what` is a sentence that is true when all is well.
func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws(Broken) {
    guard condition else { throw Broken("does not hold: " + what()) }
}

enum Targets {
    /// In the order of the report.
    /// `scratch`: a folder for files that the code under test insists on.
    static func all(root: String, scratch: String?) throws -> [any FuzzTarget] {
        [
            HeadTarget(), FrameTarget(), UTF8Target(), ParticipantTarget(), AgentTarget(), TokenTarget(),
            ProviderTarget(root: root), JSONTarget(root: root), try Base64Target(), try OpusTarget(), UplinkTarget(),
            PlayoutTarget(), UnsettledTarget(), LedgerTarget(), LifecycleTarget(), OggTarget(), OggWriterTarget(),
            DocumentTarget(root: root),
            ConfigurationTarget(root: root, scratch: scratch ?? NSTemporaryDirectory()),
        ]
    }
}

/// Only with SABOTAGE=1: proves that a trap is noticed, and that arithmetic traps in this build.
final class SabotageTarget: FuzzTarget {
    let name = "sabotage"
    let longestInput = 64
    let seeds: [[UInt8]] = [[1, 2, 3]]

    func generate(_ random: inout Random) -> [UInt8] {
        (random.chance(oneIn: 16) ? [0xA5] : []) + random.bytes(1 + random.below(60))
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        // 0xA5 + 0x5B does not fit into a byte; every other first byte is left alone.
        guard let first = input.first, first == 0xA5 else { return .accepted }
        return first + 0x5B == 0 ? .refused : .accepted
    }
}
