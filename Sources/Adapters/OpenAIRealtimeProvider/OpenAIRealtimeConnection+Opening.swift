import EventLoops
import Ports
import WebSockets
import WireFormats

extension OpenAIRealtimeConnection {
    /// Starts on the loop's next turn: whoever opened this has its connection in hand before anything is reported.
    func startSoon() {
        awaitReady()
        _ = loop.schedule(at: loop.now) { [self] in start() }
    }

    func awaitReady() {
        if let readyTimer { loop.cancel(readyTimer) }
        readyTimer = loop.schedule(at: loop.now + settings.readyTimeout) { [self] in
            readyTimer = nil
            notReadyInTime()
        }
    }

    /// Makes the conversation for the session that has this connection; false: its setup cannot be sent.
    func prepare() -> Bool {
        guard let setup else { return true }
        do throws(ProviderFailure) {
            let setup = try SetupForOpenAI(setup)
            let session = settings.session(for: setup, turnDetection: profile.current)
            conversation = OpenAIConversation(session: session, context: setup.context)
            return true
        } catch {
            fail(error)
            return false
        }
    }

    private func start() {
        guard life == .starting, prepare() else { return }
        guard let context else { return fail(ProviderFailure(kind: .network, code: "no_loop")) }
        if endpoint.isLiteral {
            addresses = [endpoint.host]
            return connectNext()
        }
        // Names are resolved on a thread of their own; the answer comes back to the loop.
        let (host, port, resolver, eventLoop) = (endpoint.host, endpoint.port, resolver, context.loop)
        Task { [self] in
            let found = (try? await resolver.resolve(host, port: port)) ?? []
            eventLoop.post { [self] in resolved(found) }
        }
    }

    private func resolved(_ found: [String]) {
        guard life == .starting else { return }
        guard !found.isEmpty else { return fail(ProviderFailure(kind: .network, code: "dns")) }
        addresses = Array(found.prefix(Self.maxAddresses))
        connectNext()
    }

    private func connectNext() {
        guard let context, !addresses.isEmpty else { return }
        let target = target(address: addresses.removeFirst())
        life = .connecting
        attempt &+= 1
        let mine = attempt
        do throws(WebSocketError) {
            let socket = try context.connect(target, handler: self)
            // It may have ended while it was being made, and the next address be on its way.
            if attempt == mine, life == .connecting { self.socket = socket }
        } catch {
            if attempt == mine, life == .connecting { attemptEnded(.failed(code: OpenAIFailures.notStarted(error))) }
        }
    }

    private func target(address: String) -> WebSocketTarget {
        var headers = [(name: "Authorization", value: settings.apiKey.bearer), (name: "User-Agent", value: "voiced")]
        if let organization = settings.organization {
            headers.append((name: "OpenAI-Organization", value: organization))
        }
        if let project = settings.project { headers.append((name: "OpenAI-Project", value: project)) }
        return WebSocketTarget(
            secure: endpoint.secure, host: endpoint.host, address: address, port: endpoint.port, path: endpoint.path,
            headers: headers, connectTimeout: settings.connectTimeout)
    }

    /// A line that could not be opened is tried at the host's next address; an answer of the host is final.
    func attemptEnded(_ end: WebSocketEnd) {
        if case .failed = end, !addresses.isEmpty {
            life = .starting
            return connectNext()
        }
        fail(OpenAIFailures.ended(end, complaint: nil))
    }

    private func notReadyInTime() {
        if let complaint = conversation?.complaint {
            fail(OpenAIFailures.ended(by: complaint))
        } else {
            fail(ProviderFailure(kind: .network, code: "ready_timeout"))
        }
    }

    /// The server's time runs since it greeted this connection, which may have been before its session came.
    func scheduleGoingAway() {
        let begun = begunAt ?? loop.now
        let age = settings.goingAwayAfter * .random(in: (1 - settings.goingAwayJitter)...1)
        let end = begun + settings.sessionLimit
        expiryTimer = loop.schedule(at: begun + age) { [self] in
            expiryTimer = nil
            perform([.report(.goingAway(within: max(end - loop.now, .zero)))])
        }
    }
}
