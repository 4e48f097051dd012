import CLibWebSockets
import EventLoops

/// From the library's callbacks. They come in chunks of at most the read size: putting messages together, and refusing
/// those that are too long, is ours. What cannot be had from the library is that clients mask their frames
/// (RFC 6455, 5.1): it takes unmasked ones as well. Masking protects intermediaries from a browser's scripts, not us.
extension WebSocket {
    func opened() {
        guard state == .connecting else { return }
        state = .open
        clearDeadline()
        lastHeard = loop.now
        if case .provider = role { watchSilence(for: context.limits.providerPingAfter) }
        handler?.webSocketOpened(self)
    }

    /// Never asks the library to close from in here: on a client's connection it would go on reading behind the end
    /// of its buffer, since it forgets to start that anew.
    func received(_ chunk: UnsafeRawBufferPointer) {
        guard let wsi = unsafe wsi else { return }
        if case .provider = role { heard() }
        // Whatever comes after a close of ours is of no interest.
        guard state == .open else { return }
        let kind: MessageKind = unsafe lws_frame_is_binary(wsi) != 0 ? .binary : .text
        let announced = unsafe lws_remaining_packet_payload(wsi)
        let (known, overflow) = assembly.count.addingReportingOverflow(chunk.count)
        guard !overflow, announced <= Int.max - known, known + announced <= messageLimit(kind) else {
            return violated(.tooBig, code: 1009, reason: "message too big")
        }
        let isLast = unsafe lws_is_final_fragment(wsi) != 0
        if !isAssembling && isLast { return unsafe deliver(chunk, kind) }
        isAssembling = !isLast
        unsafe assembly.append(chunk)
        guard isLast else { return }
        // Taken out for the call: the handler may end this socket, which drops the buffer.
        var whole = AssemblyBuffer()
        swap(&whole, &assembly)
        unsafe whole.withBytes { unsafe deliver($0, kind) }
        whole.reset()
        if state == .open { assembly = whole }
    }

    private func deliver(_ message: UnsafeRawBufferPointer, _ kind: MessageKind) {
        if kind == .text, unsafe !UTF8Check.isValid(message) {
            return violated(.invalidUTF8, code: 1007, reason: "text is not UTF-8")
        }
        unsafe handler?.webSocket(self, received: message, kind: kind)
    }

    /// Told at once: the peer may take its time to answer the close frame, and nothing else can come of it.
    private func violated(_ verdict: WebSocketEnd, code: UInt16, reason: String) {
        self.verdict = verdict
        close(code: code, reason: reason, discarding: true)
        tell(verdict)
    }

    private func messageLimit(_ kind: MessageKind) -> Int {
        switch (role, kind) {
        case (.participant, .text): context.limits.participantTextBytes
        case (.participant, .binary): context.limits.participantBinaryBytes
        case (.provider, _): context.limits.providerMessageBytes
        }
    }

    /// The peer's close frame; `payload` is its code, if any, and its reason.
    func peerClosed(_ payload: UnsafeRawBufferPointer) {
        peerCloseCode = .some(
            unsafe payload.count >= 2 ? (UInt16(payload[0]) << 8) | UInt16(payload[1]) : nil)
        if state == .open { state = .closing }
    }

    // MARK: Half-open providers

    /// Anything that comes proves the line, pongs included.
    func heard() {
        lastHeard = loop.now
        pinged = false
    }

    /// The library has a policy for this, too; but it counts pongs only, so that a busy line is pinged, and ends the
    /// connection without saying why.
    func watchSilence(for duration: Duration) {
        setDeadline(in: duration) { [weak self] in self?.silenceChecked() }
    }

    /// Asks a provider for a sign of life; without any within `duration` the connection ends as `failed("timeout")`. A
    /// peer that reads too slowly to come to the ping counts as dead as well. One at a time.
    package func ping(within duration: Duration) {
        guard case .provider = role, state == .open, pingedAt == nil else { return }
        let asked = loop.now
        pingedAt = asked
        ping()
        setDeadline(in: duration) { [weak self] in self?.lifeChecked(since: asked) }
    }

    private func lifeChecked(since asked: Duration) {
        pingedAt = nil
        guard state == .open else { return }
        if lastHeard <= asked { return fail(.failed(code: "timeout")) }
        watchSilence(for: max(context.limits.providerPingAfter - (loop.now - lastHeard), .zero))
    }

    private func silenceChecked() {
        guard state == .open else { return }
        let limits = context.limits
        let silence = loop.now - lastHeard
        if silence >= limits.providerDeadAfter { return fail(.failed(code: "timeout")) }
        if silence >= limits.providerPingAfter {
            if !pinged { ping() }
            pinged = true
            watchSilence(for: limits.providerDeadAfter - silence)
        } else {
            watchSilence(for: limits.providerPingAfter - silence)
        }
    }

    // MARK: The end, as the library tells it

    /// `CLOSED` or `CLIENT_CLOSED`, with the connection still there to be asked.
    func closedByLibrary(_ wsi: OpaquePointer) {
        if let peerCloseCode { return end(.closed(code: peerCloseCode)) }
        if let pendingClose { return end(.closed(code: pendingClose.code)) }
        let brokeProtocol = unsafe Self.codeIssuedByLibrary(wsi) == 1002
        end(brokeProtocol ? .failed(code: "protocol") : .closed(code: nil))
    }

    /// The library closes by itself on broken frames (1002), and says so only to the peer.
    private static func codeIssuedByLibrary(_ wsi: OpaquePointer) -> UInt16? {
        guard unsafe lws_get_close_length(wsi) >= 2, let payload = unsafe lws_get_close_payload(wsi) else { return nil }
        return unsafe (UInt16(payload[0]) << 8) | UInt16(payload[1])
    }

    /// `CLIENT_CONNECTION_ERROR`: `text` is the library's own word for it.
    func connectFailed(_ text: String) {
        if let pendingClose { return end(.closed(code: pendingClose.code)) }
        if responseStatus != 0, responseStatus != 101 { return end(.refused(status: responseStatus)) }
        end(.failed(code: ConnectFailure.code(text, lastError: context.takeLastError())))
    }
}
