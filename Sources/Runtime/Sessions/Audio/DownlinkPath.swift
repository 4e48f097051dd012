import DequeModule
import InterviewCore
import Ports

/// The agent's sound on its way to the participant: encoded on arrival, queued and paced by `Playout`, sent and recorded.
/// Lives inside one session, on its loop.
///
/// A provider speaks faster than real time. Encoding all of it at once would hold the loop up, so a tick has a budget of
/// four frames, which is four times real time.
///
/// A class, and not one of the values that decide: it calls out while it works, and whatever comes back within such a call
/// (a line that breaks on a write) must not meet an exclusive access.
final class DownlinkPath {
    static let framesPerTick = 4
    /// Sound waiting to be encoded or sent: more is the provider's fault.
    static let longestQueue: Duration = .seconds(240)
    /// Frames in a row that could not be encoded (half a second) before the path counts as mute.
    static let mostFailuresInARow = 25

    /// What came of it, for the session.
    enum Outcome: Equatable {
        /// The first frame of the utterance went out.
        case audible(key: String)
        /// The participant heard so much and will hear no more.
        case ended(key: String, heardMilliseconds: Int)
        case playedOut(key: String)
    }

    private enum Work {
        case begin(key: String, item: String)
        /// Those before `from` have been encoded.
        case samples(key: String, [Int16], from: Int)
        case finish(key: String)
    }

    private let codecs: any AudioCodecs
    private let rate: Int
    private let frame: Int
    private var format = AudioFormat.opus
    private var playout = Playout()
    private var work: Deque<Work> = []
    private var waitingSamples = 0
    private var budget = DownlinkPath.framesPerTick
    /// Utterances that may still grow; sound for others is dropped.
    private var open: Set<String> = []
    /// Our item id → the provider's, of what is queued or playing.
    private var keys: [String: String] = [:]
    private var audible: Set<String> = []
    /// The item of the last frame sent: in `audible` already.
    private var sounding = ""

    private var encoder: (any AudioEncoder)?
    private var recordingEncoder: (any AudioEncoder)?
    private var partial: [Int16] = []
    private var encodedSamples = 0
    private var packet = [UInt8](repeating: 0, count: 1_276)
    private var recordedTo: Int64 = 0

    private(set) var packetsSent = 0
    private(set) var encodeFailures = 0
    private var failuresInARow = 0

    init(codecs: any AudioCodecs, rate: Int) {
        self.codecs = codecs
        self.rate = rate
        frame = rate / 50
        partial.reserveCapacity(rate / 50)
    }

    // MARK: The provider

    func began(key: String, item: String) {
        guard keys[item] == nil else { return }
        keys[item] = key
        open.insert(key)
        work.append(.begin(key: key, item: item))
    }

    /// Throws when more than `longestQueue` waits.
    func spoke(_ samples: UnsafeBufferPointer<Int16>, key: String) throws(PlayoutError) {
        guard open.contains(key) else { return }
        let waiting = waitingSamples / rate + playout.queuedPackets / 50
        guard waiting < Int(Self.longestQueue / .seconds(1)) else { throw .queueFull }
        waitingSamples += samples.count
        work.append(.samples(key: key, Array(samples), from: 0))
    }

    /// No more sound comes for it.
    func finished(key: String) {
        guard open.remove(key) != nil else { return }
        work.append(.finish(key: key))
    }

    func finishAll() {
        for key in open { work.append(.finish(key: key)) }
        open.removeAll()
    }

    // MARK: The participant

    func connected(
        format: AudioFormat, resume: Hello.Resume?, at now: Duration
    ) {
        if format != self.format {
            // What is queued is in the other format: it has been heard as far as it was.
            _ = playout.interrupted(at: now)
            self.format = format
            encoder = nil
        }
        playout.connected(at: now, firstTimestamp: .random(in: .min ... .max), resume: resume)
    }

    func disconnected(at now: Duration) { playout.disconnected(at: now) }

    func played(item: String, milliseconds: Int, at now: Duration) {
        playout.played(item: item, milliseconds: milliseconds, at: now)
    }

    /// Barge-in. Answers the items that the client must drop, and the utterances of which nothing was ever sent.
    func interrupted(at now: Duration) -> (flush: [String], unsaid: [String]) {
        var unsaid: [String] = []
        for case .begin(let key, let item) in work {
            unsaid.append(key)
            keys[item] = nil
        }
        work.removeAll(keepingCapacity: true)
        waitingSamples = 0
        open.removeAll()
        partial.removeAll(keepingCapacity: true)
        return (playout.interrupted(at: now), unsaid)
    }

    /// The encoder gives nothing any more: the participant would sit in silence.
    var isMute: Bool { failuresInARow >= Self.mostFailuresInARow }
    /// `pump` has nothing to do.
    var isIdle: Bool { work.isEmpty && playout.isIdle }

    /// Nothing is waiting, playing, or to be confirmed.
    func isSilent(at now: Duration) -> Bool { work.isEmpty && playout.isEmptyAndConfirmed(at: now) }

    /// True while the utterance is queued or playing.
    func knows(_ key: String) -> Bool { keys.values.contains(key) }

    // MARK: Time

    /// Every 20 ms: a new budget.
    func tick() { budget = Self.framesPerTick }

    /// Encodes what the budget allows and sends what is due.
    func pump(
        at now: Duration, position: Int64, to transport: (any ParticipantTransport)?, in surroundings: AudioSurroundings
    ) -> [Outcome] {
        encode(in: surroundings)
        var outcomes: [Outcome] = []
        while let next = playout.ticked(at: now) {
            switch next {
            case .announce(let item, let startTimestamp):
                transport?.send(.item(id: item, startTimestamp: startTimestamp))
            case .send(let item, let timestamp, let bytes):
                packetsSent += 1
                bytes.withUnsafeBytes { transport?.sendAudio($0, timestamp: timestamp) }
                record(bytes, at: position, in: surroundings)
                guard item != sounding else { continue }
                sounding = item
                if let key = keys[item], audible.insert(key).inserted { outcomes.append(.audible(key: key)) }
            case .truncate(let truncation):
                forget(truncation.item, truncation.providerItem)
                outcomes.append(
                    .ended(key: truncation.providerItem, heardMilliseconds: truncation.heardMilliseconds))
            case .playedOut(let item, let key):
                forget(item, key)
                outcomes.append(.playedOut(key: key))
            }
        }
        return outcomes
    }

    /// The conversation ends here: what was heard of each utterance by our best knowledge.
    func stop(at now: Duration) -> [Outcome] {
        _ = interrupted(at: now)
        return pump(
            at: now + Playout.flushWait, position: 0, to: nil,
            in: AudioSurroundings(provider: nil, recorder: nil, probe: nil, loop: 0))
    }

    private func forget(_ item: String, _ key: String) {
        keys[item] = nil
        audible.remove(key)
    }

    // MARK: Encoding

    private func encode(in surroundings: AudioSurroundings) {
        while let next = work.first {
            switch next {
            case .begin(let key, let item):
                guard begin(key: key, item: item) else { return }
                work.removeFirst()
            case .samples(let key, let samples, let start):
                guard budget > 0 else { return }
                work.removeFirst()
                let rest = encode(samples[start...], key: key, in: surroundings)
                waitingSamples -= samples.count - start - rest.count
                if !rest.isEmpty { work.prepend(.samples(key: key, samples, from: rest.startIndex)) }
            case .finish(let key):
                work.removeFirst()
                finish(key: key, in: surroundings)
            }
        }
    }

    /// False: the playout has no place for another item now.
    private func begin(key: String, item: String) -> Bool {
        do { try playout.began(item: item, providerItem: key) } catch { return false }
        encoder?.reset()
        partial.removeAll(keepingCapacity: true)
        encodedSamples = 0
        return true
    }

    /// Encodes whole frames within the budget and answers the samples that are left for later.
    private func encode(
        _ samples: ArraySlice<Int16>, key: String, in surroundings: AudioSurroundings
    ) -> ArraySlice<Int16> {
        var rest = samples
        while !rest.isEmpty {
            let take = min(frame - partial.count, rest.count)
            guard partial.count + take < frame || budget > 0 else { break }
            partial.append(contentsOf: rest.prefix(take))
            rest = rest.dropFirst(take)
            guard partial.count == frame else { break }
            budget -= 1
            encodePartial(key: key, in: surroundings)
        }
        return rest
    }

    private func finish(key: String, in surroundings: AudioSurroundings) {
        let milliseconds = (encodedSamples + partial.count) * 1_000 / rate
        if !partial.isEmpty {
            partial.append(contentsOf: repeatElement(0, count: frame - partial.count))
            encodePartial(key: key, in: surroundings)
        }
        playout.finished(key, milliseconds: milliseconds)
    }

    private func encodePartial(key: String, in surroundings: AudioSurroundings) {
        defer {
            encodedSamples += partial.count
            partial.removeAll(keepingCapacity: true)
        }
        surroundings.probe?.passed(.encode, loop: surroundings.loop)
        switch format {
        case .pcm: partial.withUnsafeBytes { queue($0, key: key) }
        case .opus:
            do {
                if encoder == nil { encoder = try codecs.makeEncoder(rate: rate) }
                guard let encoder else { return }
                let count = try encoder.encode(partial, count: frame, into: &packet)
                packet.withUnsafeBytes { queue(UnsafeRawBufferPointer(rebasing: $0[..<count]), key: key) }
                failuresInARow = 0
            } catch {
                encodeFailures += 1
                failuresInARow += 1
            }
        }
    }

    private func queue(_ bytes: UnsafeRawBufferPointer, key: String) {
        do { _ = try playout.append(bytes, to: key) } catch { encodeFailures += 1 }
    }

    // MARK: Recording

    /// Lies where it is played: right behind the packet before it, or now after a pause.
    private func record(_ bytes: [UInt8], at position: Int64, in surroundings: AudioSurroundings) {
        guard let recorder = surroundings.recorder else { return }
        let start = max(recordedTo, position)
        recordedTo = start + AudioUnits.perFrame
        switch format {
        case .opus: bytes.withUnsafeBytes { recorder.agent($0, at: start) }
        case .pcm:
            do {
                if recordingEncoder == nil { recordingEncoder = try codecs.makeEncoder(rate: rate) }
                guard let recordingEncoder else { return }
                let samples = bytes.withUnsafeBytes { raw in
                    [Int16](unsafeUninitializedCapacity: raw.count / 2) { buffer, count in
                        count = raw.count / 2
                        UnsafeMutableRawBufferPointer(buffer).copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: raw[..<(count * 2)]))
                    }
                }
                let count = try recordingEncoder.encode(samples, count: samples.count, into: &packet)
                packet.withUnsafeBytes { recorder.agent(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: start) }
            } catch { encodeFailures += 1 }
        }
    }

    var counters: [String: Int] {
        [
            "down_packets": packetsSent, "down_queued_packets": playout.queuedPackets,
            "down_waiting_ms": waitingSamples * 1_000 / rate, "down_encode_failures": encodeFailures,
        ]
    }
}
