import InterviewCore
import Ports

/// The participant's sound on its way to the provider and into the recording: decode, conceal, silence, in the order
/// that `UplinkTimeline` decides. Lives inside one session, on its loop; a class for the same reason as `DownlinkPath`.
final class UplinkPath {
    /// Sound that is kept while no provider is ready; older sound is let go.
    static let longestHold: Duration = .seconds(10)
    /// Most samples of one packet: 120 ms at 48 kHz.
    private static let mostSamples = 5_760

    private let codecs: any AudioCodecs
    private let rate: Int
    private var timeline: UplinkTimeline?
    private var format = AudioFormat.opus
    private var decoder: (any AudioDecoder)?
    private var scratch: [Int16]
    private var recording: PCMRecording?
    private var providerIsReady = false
    private var held: [Int16] = []
    /// `held` begins with sound that a lost provider had been given, and this much more may follow it.
    private var mostHeld: Int
    private var unsettled: UnsettledSound
    /// `held` has a turn in it that the next provider is to find.
    private(set) var holdsTurn = false

    /// Samples given to the provider that are loud enough for speech, since somebody asked.
    private var speechSamples = 0

    private(set) var frames = 0
    private(set) var badPackets = 0
    private(set) var concealedUnits: Int64 = 0
    private(set) var silentUnits: Int64 = 0

    init(codecs: any AudioCodecs, rate: Int) {
        self.codecs = codecs
        self.rate = rate
        mostHeld = rate * Int(Self.longestHold / .seconds(1))
        unsettled = UnsettledSound(rate: rate)
        scratch = Array(repeating: 0, count: Self.mostSamples)
    }

    // MARK: Life

    /// The row is ours: `position` 48 kHz units of the conversation have passed, the provider was given what lies before
    /// `reached`.
    func begin(at now: Duration, position: Int64, reached: Int64) {
        timeline = UplinkTimeline(startedAt: now, position: position, reached: reached)
    }

    func connected(
        format: AudioFormat, client: String, resumed: Bool, reference: CapturePoint?, at now: Duration
    ) {
        self.format = format
        timeline?.connected(at: now, client: client, resumed: resumed, reference: reference)
    }

    func disconnected(at now: Duration) { timeline?.disconnected(at: now) }

    /// Answers with the turns, by their keys, whose sound the next provider is given.
    @discardableResult
    func providerClosed() -> [String] {
        timeline?.providerClosed()
        guard providerIsReady else { return [] }
        providerIsReady = false
        let turns = unsettled.openTurns
        holdsTurn = !turns.isEmpty
        held = unsettled.taken()
        mostHeld = held.count + rate * Int(Self.longestHold / .seconds(1))
        return turns
    }

    /// Gives the new provider what was held for it.
    func providerReady(_ provider: any ProviderConnection, at now: Duration) {
        providerIsReady = true
        let replayed = Int64(held.count) * AudioUnits.perSecond / Int64(rate)
        timeline?.providerOpened(at: now, replayed: replayed)
        if !held.isEmpty {
            held.withUnsafeBufferPointer { samples in
                // In pieces, so that no message comes near the vendor's limit.
                var start = 0
                while start < samples.count {
                    let end = min(start + rate, samples.count)
                    provider.appendAudio(UnsafeBufferPointer(rebasing: samples[start..<end]))
                    start = end
                }
            }
        }
        unsettled.opened(with: held)
        held = []
        holdsTurn = false
    }

    // MARK: Turns, by the keys and positions of the provider

    func turnBegan(_ key: String, at milliseconds: Int) { unsettled.turnBegan(key, at: milliseconds) }
    func turnEnded(_ key: String, at milliseconds: Int) { unsettled.turnEnded(key, at: milliseconds) }
    func turnSettled(_ key: String) { unsettled.turnSettled(key) }
    func answered() { unsettled.answered() }

    /// How much speech the provider has been given since the last call, by our own measure of level.
    func takeSpeech() -> Duration {
        defer { speechSamples = 0 }
        return .milliseconds(speechSamples * 1_000 / rate)
    }

    // MARK: Positions

    var resendFrom: UInt32? { timeline?.resendFrom }
    var lastReceived: CapturePoint? { timeline?.lastReceived }
    func capture(ofProvider milliseconds: Int) -> CapturePoint? {
        timeline?.capturePoint(atGivenMilliseconds: milliseconds)
    }

    // MARK: Sound

    func heard(
        _ header: AudioFrameHeader, _ payload: UnsafeRawBufferPointer, at now: Duration,
        in surroundings: AudioSurroundings
    ) throws(ProtocolViolation) {
        guard header.format == format else { throw .badFrame }
        let units: Int?
        switch format {
        case .opus:
            units = OpusPacket(payload)?.units
            // Its framing is broken: concealed without asking the decoder.
            if units == nil { badPackets += 1 }
        case .pcm: units = payload.count / 2 * 2
        }
        guard let steps = try timeline?.received(header, units: units, at: now) else { return }
        frames += 1
        for step in steps {
            switch step {
            case .conceal(let units): conceal(units, in: surroundings)
            case .silence(let units): silence(units, in: surroundings)
            case .resynchronise: decoder = nil
            case .deliver(let position): deliver(payload, at: position, in: surroundings)
            case .drop: break
            }
        }
    }

    /// Silence that the provider needs because no frame comes.
    func tick(at now: Duration, in surroundings: @autoclosure () -> AudioSurroundings) {
        guard let units = timeline?.ticked(at: now), units > 0 else { return }
        silence(units, in: surroundings())
    }

    private func deliver(
        _ payload: UnsafeRawBufferPointer, at position: Int64, in surroundings: AudioSurroundings
    ) {
        switch format {
        case .opus:
            surroundings.recorder?.participant(payload, at: position)
            guard let count = decode(payload) else { return }
            surroundings.probe?.passed(.decode, loop: surroundings.loop)
            give(count, in: surroundings)
        case .pcm:
            let count = min(payload.count / 2, scratch.count)
            scratch.withUnsafeMutableBytes {
                $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[..<(count * 2)]))
            }
            surroundings.probe?.passed(.decode, loop: surroundings.loop)
            give(count, in: surroundings)
            if let recorder = surroundings.recorder { record(count, at: position, into: recorder) }
        }
    }

    /// A packet that does not decode is concealed and counted.
    private func decode(_ payload: UnsafeRawBufferPointer) -> Int? {
        do {
            let decoder = try theDecoder()
            return try scratch.withUnsafeMutableBufferPointer { try decoder.decode(payload, into: $0) }
        } catch {
            badPackets += 1
            let units = OpusPacket(payload)?.units ?? Int(AudioUnits.perFrame)
            return invent(samples: units * rate / Int(AudioUnits.perSecond))
        }
    }

    private func conceal(_ units: Int64, in surroundings: AudioSurroundings) {
        concealedUnits += units
        var left = Int(units) * rate / Int(AudioUnits.perSecond)
        let most = rate / 1_000 * 60
        while left > 0 {
            let count = min(left, most)
            give(invent(samples: count), in: surroundings)
            left -= count
        }
    }

    /// Sound for a lost packet, or silence when even that fails. The count is at most what `scratch` holds.
    private func invent(samples wanted: Int) -> Int {
        let wanted = min(wanted, scratch.count)
        do {
            guard format == .opus else { throw CodecError.unsupportedRate(rate) }
            let decoder = try theDecoder()
            return try scratch.withUnsafeMutableBufferPointer { samples in
                try decoder.conceal(into: UnsafeMutableBufferPointer(rebasing: samples[..<wanted]))
            }
        } catch {
            for index in 0..<wanted { scratch[index] = 0 }
            return wanted
        }
    }

    private func silence(_ units: Int64, in surroundings: AudioSurroundings) {
        silentUnits += units
        var left = Int(units) * rate / Int(AudioUnits.perSecond)
        for index in scratch.indices { scratch[index] = 0 }
        while left > 0 {
            let count = min(left, scratch.count)
            give(count, in: surroundings)
            left -= count
        }
    }

    private func theDecoder() throws(CodecError) -> any AudioDecoder {
        if let decoder { return decoder }
        let made = try codecs.makeDecoder(rate: rate)
        decoder = made
        return made
    }

    /// The first `count` samples of `scratch` go to the provider, or wait for one.
    private func give(_ count: Int, in surroundings: AudioSurroundings) {
        if providerIsReady, let provider = surroundings.provider {
            scratch.withUnsafeBufferPointer { samples in
                _ = provider.appendAudio(UnsafeBufferPointer(rebasing: samples[..<count]))
            }
            unsettled.gave(scratch[..<count])
            if SpeechLevel.isSpeech(scratch[..<count]) { speechSamples += count }
            return
        }
        held.append(contentsOf: scratch[..<count])
        if held.count > mostHeld + rate { held.removeFirst(held.count - mostHeld) }
    }

    // MARK: Recording a PCM client

    private func record(_ count: Int, at position: Int64, into recorder: any Recorder) {
        if recording == nil { recording = PCMRecording(codecs: codecs, rate: rate) }
        scratch.withUnsafeBufferPointer { samples in
            recording?.add(UnsafeBufferPointer(rebasing: samples[..<count]), at: position) { packet, position in
                recorder.participant(packet, at: position)
            }
        }
    }

    var counters: [String: Int] {
        [
            "up_frames": frames, "up_bad_packets": badPackets,
            "up_concealed_ms": Int(concealedUnits / AudioUnits.perMillisecond),
            "up_silence_ms": Int(silentUnits / AudioUnits.perMillisecond),
        ]
    }
}
