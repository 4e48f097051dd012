/// Decides what becomes of each frame of the participant: what is missing before it, whether it was heard already, where
/// it belongs in the conversation, and when its sender is lying about time. Also says when the provider needs silence
/// because no frame comes, and translates the provider's positions into the participant's time.
/// Leaves decoding, sending and recording to the session.
///
/// Three axes, all in 48 kHz units:
/// - **capture**: the page's capture clock, unwrapped. Runs on over the connections of one page load; another page
///   load has another one.
/// - **position**: since the conversation began (`startedAt`). A page's first frame ends at the moment it arrives; from
///   then on position follows capture, so that a late frame lies where it was spoken.
/// - **given**: sound given to this provider connection, silence included; what a provider's VAD counts.
///
/// Silence and late frames. While somebody is connected the provider is kept at most `longestGap` behind real time:
/// time without a frame beyond that is given as silence (`ticked`). What happens when the next frame comes:
/// - its timestamp says that time has passed without sound (mute, DTX): the silence already given counts, only the rest
///   is added;
/// - its timestamp follows the last frame (a stalled line, a frame sent again after a reconnect): it is delivered whole,
///   all words in their order, and the silence stays as extra time in front of it. Speech matters more than alignment,
///   and `capturePoint` knows of the extra time.
package struct UplinkTimeline: Sendable {
    // MARK: Limits

    /// Without a frame for longer than this the provider gets silence (the protocol's 100 ms).
    package static let longestGap: Duration = .milliseconds(100)
    /// Silence goes out in steps of 20 ms.
    static let fillStep: Duration = .milliseconds(20)
    /// At most so much in one tick: after a stall of our own the rest of the debt is forgotten.
    package static let longestFill: Duration = .seconds(2)
    /// Silence after a disconnect, so that the provider's VAD can end the turn.
    package static let fillAfterDisconnect: Duration = .seconds(1)
    /// A longer jump of the timestamp is not filled: the provider's silence has been given as time passed.
    package static let longestJump: Int64 = 2 * AudioUnits.perSecond
    /// Frames that a decoder may invent in a row.
    package static let longestConcealment: Int64 = 5
    /// A frame's length: 10 to 60 ms.
    package static let frameUnits: ClosedRange<Int> = 480...2_880
    /// A client keeps 10 minutes, so nothing that it sends again is older.
    package static let longestBacklog: Int64 = 600 * AudioUnits.perSecond
    /// A sequence that goes back by more frames than this is a new count, not a late frame (60 s of 20 ms frames).
    static let oldestSequence = -3_000

    // MARK: State

    private enum Line: Sendable {
        /// Nobody has been here yet.
        case never
        case connected(Connection)
        /// `allowance`: silence still to be given.
        case disconnected(allowance: Duration)
    }

    private struct Connection: Sendable {
        var resumed: Bool
        var sequence: UInt16?
        /// Capture position of the frame seen last, delivered or not.
        var seen: Int64 = 0
        var pace: UplinkPace
    }

    private let startedAt: Duration
    private let startPosition: Int64
    private var line: Line = .never
    private var client = ""
    private var clock = UnwrappedClock()
    /// Position = capture + offset.
    private var offset: Int64 = 0
    /// What the present page load's clock has shown (`UplinkPace.shownLead`); nil: nothing to go by.
    private var lead: Int64?
    /// Capture position after the last frame delivered, and where that frame began; nil before a page's first frame.
    private var expected: Int64?
    private var lastStart: Int64 = 0
    private var lastUnits = AudioUnits.perFrame
    /// Position after the last frame delivered, over all page loads.
    private var reached: Int64

    private var providerIsOpen = false
    /// Units given to this provider connection.
    package private(set) var given: Int64 = 0
    private var map = CaptureMap()
    /// Up to here, by our clock, the provider has sound.
    private var covered: Duration
    /// Silence given since the last frame.
    private var filled: Int64 = 0

    /// `position`: where in the conversation `now` is (0 for a new one). `reached`: where this owner's part of the
    /// participant's track may begin; earlier than `position` when a client is going to send again what the last owner
    /// did not finish.
    package init(startedAt now: Duration, position: Int64 = 0, reached: Int64? = nil) {
        startedAt = now
        startPosition = position
        self.reached = min(reached ?? position, position)
        covered = now
    }

    /// Where in the conversation `now` is.
    package func position(at now: Duration) -> Int64 {
        startPosition &+ AudioUnits.units(in: max(.zero, now - startedAt))
    }

    // MARK: Provider

    /// A provider connection accepts audio from now on. `replayed`: units of sound before the end of the last frame that
    /// the session gives it again first (the unfinished turn of a provider that died).
    package mutating func providerOpened(at now: Duration, replayed: Int64 = 0) {
        providerIsOpen = true
        map.removeAll()
        given = 0
        filled = 0
        covered = now
        guard let expected, replayed > 0 else { return }
        map.note(given: 0, capture: expected &- replayed, offset: offset, client: client)
        given = replayed
    }

    /// Until the next `providerOpened` nothing counts as given and no silence is asked for.
    package mutating func providerClosed() { providerIsOpen = false }

    /// The moment of the participant's time that a provider's position (milliseconds of the sound it was given) is
    /// about; what it was not given yet counts as the end of what it was. Nil when nothing was given, or it lies before
    /// what is remembered.
    package func capturePoint(atGivenMilliseconds milliseconds: Int) -> CapturePoint? {
        let most = given / AudioUnits.perMillisecond + 1
        let units = min(max(0, Int64(milliseconds)), most) * AudioUnits.perMillisecond
        return map.point(at: min(units, given))
    }

    /// The end of the last frame received: everything before it has been given to a provider, or is held for it.
    /// Nil before the first frame of the present page load.
    package var lastReceived: CapturePoint? {
        guard let expected else { return nil }
        return CapturePoint(
            client: client, timestamp: UnwrappedClock.timestamp(at: expected), position: expected &+ offset)
    }

    /// `welcome.resend_from` within this owner.
    package var resendFrom: UInt32? { lastReceived?.timestamp }

    // MARK: Connections

    /// `client`: the page load. `resumed`: the client was told a `resend_from`, so it may send faster than real time.
    /// `reference`: for a page load that this owner has not heard yet, the end of its last committed turn; older frames
    /// are dropped.
    package mutating func connected(
        at now: Duration, client: String, resumed: Bool, reference: CapturePoint? = nil
    ) {
        if client != self.client {
            self.client = client
            clock = UnwrappedClock()
            expected = nil
            offset = 0
            lead = nil
        }
        if let reference, reference.client == client, expected == nil {
            let capture = Int64(reference.timestamp)
            clock.restart(at: capture)
            expected = capture
            lastStart = capture &- 1
            offset = max(reference.position, 0) &- capture
        }
        line = .connected(Connection(resumed: resumed, pace: UplinkPace(connectedAt: now, knownLead: lead)))
        covered = now
    }

    package mutating func disconnected(at now: Duration) {
        guard case .connected = line else { return }
        line = .disconnected(allowance: Self.fillAfterDisconnect)
    }

    /// Units of silence that the provider must be given now; 0 most of the time. Call it every 20 ms.
    package mutating func ticked(at now: Duration) -> Int64 {
        guard providerIsOpen else { return 0 }
        var limit = Self.longestFill
        switch line {
        case .never: return 0
        case .connected: break
        case .disconnected(let allowance): limit = min(limit, allowance)
        }
        let due = now - Self.longestGap - covered
        guard due >= Self.fillStep, limit >= Self.fillStep else { return 0 }
        let steps = AudioUnits.units(in: min(due, limit)) / AudioUnits.perFrame
        let units = steps * AudioUnits.perFrame
        let length = AudioUnits.duration(of: units)
        covered = due > Self.longestFill ? now - Self.longestGap : covered + length
        if case .disconnected(let allowance) = line { line = .disconnected(allowance: allowance - length) }
        note(silence: units)
        filled += units
        return units
    }

    // MARK: Frames

    /// `units`: length of the payload, nil when it is no Opus packet (its time is then concealed).
    /// Throws `tooFast` for more than 2 s ahead of the clock, `badFrame` for a length outside 10 to 60 ms.
    package mutating func received(
        _ header: AudioFrameHeader, units payload: Int?, at now: Duration
    ) throws(ProtocolViolation) -> UplinkSteps {
        if let payload, !Self.frameUnits.contains(payload) { throw .badFrame }
        guard case .connected(var connection) = line else { return [.drop] }
        let units = payload.map(Int64.init) ?? max(AudioUnits.grain, AudioUnits.wholeGrains(lastUnits))

        var missing: Int64 = 0
        if let last = connection.sequence {
            let distance = SerialNumber.distance(from: last, to: header.sequence)
            if distance <= 0, distance > Self.oldestSequence { return [.drop] }
            missing = distance > 0 ? Int64(distance) - 1 : 0
        }
        let first = connection.sequence == nil
        let capture = clock.position(of: header.timestamp)
        guard let jump = classify(capture, first: first, connection: connection) else {
            connection.sequence = header.sequence
            connection.seen = capture
            line = .connected(connection)
            return [.drop]
        }
        return try accept(
            header, capture: capture, units: units, decodes: payload != nil, jump: jump, missing: missing,
            connection: connection, now: now)
    }

    private enum Jump {
        /// A page's first frame.
        case beginning
        /// `gap` units after the end of the last one; under 0 when it overlaps it.
        case onward(gap: Int64)
        /// Over 2 s forward on the same clock.
        case far
        /// The page's clock has been set anew.
        case restarted
    }

    /// Nil: heard already.
    private func classify(_ capture: Int64, first: Bool, connection: Connection) -> Jump? {
        guard let expected else { return .beginning }
        if capture <= lastStart {
            // What was delivered before a reconnect comes in its order; only a step back within a connection, or by more
            // than a client keeps, is a new clock.
            let back = first ? Self.longestBacklog : Self.longestJump
            let step = first ? capture &- lastStart : capture &- connection.seen
            return step < -back ? .restarted : nil
        }
        let gap = capture &- expected
        return gap > Self.longestJump ? .far : .onward(gap: gap)
    }

    private mutating func accept(
        _ header: AudioFrameHeader, capture: Int64, units: Int64, decodes: Bool, jump: Jump, missing: Int64,
        connection: Connection, now: Duration
    ) throws(ProtocolViolation) -> UplinkSteps {
        var connection = connection
        var steps = UplinkSteps()
        let present = position(at: now)
        var place = offset
        var anew = false
        var clockIsNew = false
        switch jump {
        case .beginning: place = beginning(capture, units: units, present: present, resumed: connection.resumed)
        case .restarted:
            place = max(reached, present &- units) &- capture
            anew = true
            clockIsNew = true
        case .onward, .far:
            // The first frame of a connection sets the clock: one that is ahead of us was not stopped while the page
            // was away.
            if connection.sequence == nil, capture &+ units &+ offset &- present > Self.longestJump {
                place = max(reached, present &- units) &- capture
                anew = true
            }
        }
        let start = max(capture, anew ? capture : expected ?? capture)
        let end = start &+ units
        let pace = connection.pace.check(end: end, position: end &+ place, present: present, now: now, fresh: anew)
        switch pace {
        case .tooFast: throw .tooFast
        case .fine: break
        case .behind(let lag):
            place &+= lag
            anew = true
            clockIsNew = true
        }
        if connection.sequence == nil {
            connection.pace.begin(
                end: end, position: end &+ place, present: present, now: now, catchingUp: connection.resumed)
        }

        // Decided; nothing throws from here.
        if case .far = jump { anew = true }
        if anew {
            steps.append(.resynchronise)
        } else if case .onward(let gap) = jump {
            fillGap(gap, missing: missing, frame: units, into: &steps)
        }
        if case .restarted = jump { clock.restart(at: capture) }
        if clockIsNew { connection.pace.clockChanged(end: end, now: now) }
        lead = connection.pace.shownLead
        clock.advance(to: header.timestamp)
        offset = place
        commit(start: start, units: units, now: now)
        lastStart = capture
        steps.append(decodes ? .deliver(position: max(start &+ offset, 0)) : .conceal(units: units))
        connection.sequence = header.sequence
        connection.seen = capture
        line = .connected(connection)
        return steps
    }

    /// The offset of a page's clock: its first frame ends now. A client that sends again what was spoken before, at a
    /// time that nobody knows any more, begins where this owner's part of its track begins.
    private func beginning(_ capture: Int64, units: Int64, present: Int64, resumed: Bool) -> Int64 {
        (resumed ? reached : max(reached, present &- units)) &- capture
    }

    private mutating func fillGap(_ gap: Int64, missing: Int64, frame: Int64, into steps: inout UplinkSteps) {
        var rest = AudioUnits.wholeGrains(max(0, gap &- filled))
        guard rest > 0 else { return }
        if missing > 0, filled == 0 {
            let invented = min(rest, AudioUnits.wholeGrains(min(missing, Self.longestConcealment) * frame))
            steps.append(.conceal(units: invented))
            note(silence: invented)
            filled += invented
            rest -= invented
        }
        guard rest > 0 else { return }
        steps.append(.silence(units: rest))
        note(silence: rest)
        filled += rest
    }

    /// `units` without a frame have been given; they belong after the last frame.
    private mutating func note(silence units: Int64) {
        guard providerIsOpen else { return }
        if let expected { map.note(given: given, capture: expected &+ filled, offset: offset, client: client) }
        given &+= units
    }

    private mutating func commit(start: Int64, units: Int64, now: Duration) {
        if providerIsOpen {
            map.note(given: given, capture: start, offset: offset, client: client)
            given &+= units
        }
        lastUnits = units
        expected = start &+ units
        reached = max(reached, start &+ units &+ offset)
        covered = max(covered, now)
        filled = 0
    }
}
