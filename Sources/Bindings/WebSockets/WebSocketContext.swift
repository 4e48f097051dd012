import CLibWebSockets
import EventLoops
import Glibc
import Ports

/// The library's state on one loop: two virtual hosts, one for participants (adopted, no TLS) and one for providers.
///
/// Order matters. Each TLS context moves OpenSSL's process-wide index variables, and one born later blinds the
/// certificate checks of earlier ones: make the contexts of all loops first (`makeAll`, or one after the other), then
/// start the loops. The virtual hosts come last: by `makeAll`, or at the latest with the first socket.
@safe
package final class WebSocketContext: @unchecked Sendable {
    package let loop: EventLoop
    package let limits: WebSocketLimits
    private let trust: TrustStore

    private(set) var raw: OpaquePointer?
    private(set) var participants: OpaquePointer?
    private(set) var providers: OpaquePointer?
    private let allocations = LibraryAllocations()
    private let scratchBase: UnsafeMutableRawPointer

    /// The adopted socket that the library is about to hear of.
    var adopting: WebSocket?
    var callbackDepth = 0
    var openSockets = 0
    var lastError: String?

    /// `subprotocol`: what participants' upgrades are answered with. Before the loop starts.
    package init(
        loop: EventLoop, trust: TrustStore, limits: WebSocketLimits = .init(), subprotocol: String = "voiced.v1"
    ) throws(WebSocketError) {
        self.loop = loop
        self.trust = trust
        self.limits = limits
        unsafe scratchBase = .allocate(byteCount: voiced_lws_pre &+ WebSocketLimits.writeBytes, alignment: 16)
        allocations.subprotocol = subprotocol
        DescriptorLimit.prepared
        LibraryLog.prepare()
        if case .file(let path) = trust, unsafe access(path, R_OK) != 0 { throw .unreadableTrust(path: path) }
        unsafe raw = allocations.makeContext(
            loop: loop.rawLoop, user: Unmanaged.passUnretained(self).toOpaque())
        guard unsafe raw != nil else { throw .noContext }
        loop.attachment = self
    }

    deinit {
        // Only a context whose loop does not run (any more) gets here undestroyed.
        if let raw = unsafe raw { unsafe lws_context_destroy(raw) }
        unsafe scratchBase.deallocate()
    }

    /// The contexts of all loops in the right order. Before the loops start.
    package static func makeAll(
        on loops: [EventLoop], trust: TrustStore, limits: WebSocketLimits = .init(), subprotocol: String = "voiced.v1"
    ) throws(WebSocketError) -> [WebSocketContext] {
        var contexts: [WebSocketContext] = []
        for loop in loops {
            contexts.append(
                try WebSocketContext(loop: loop, trust: trust, limits: limits, subprotocol: subprotocol))
        }
        for context in contexts { try context.prepare() }
        return contexts
    }

    /// Where the library's error lines go; they hold no speech, keys or names of people. Process-wide.
    package static func setLog(_ sink: (@Sendable (String) -> Void)?) { LibraryLog.set(sink) }

    /// Sockets that have been handed over or connected and have not ended.
    package var socketCount: Int { openSockets }

    /// Makes the virtual hosts.
    func prepare() throws(WebSocketError) {
        guard let raw = unsafe raw else { throw .destroyed }
        if unsafe participants == nil {
            unsafe participants = allocations.makeParticipantHost(raw)
            guard unsafe participants != nil else { throw .noVirtualHost }
        }
        if unsafe providers == nil {
            let (host, complaints) = unsafe LibraryLog.lines {
                unsafe allocations.makeProviderHost(raw, certificates: trust.certificateFile)
            }
            unsafe providers = host
            guard unsafe providers != nil else { throw .noVirtualHost }
            // Of a file without certificates the library only says so, to fail every connection later.
            if case .file(let path) = trust, !complaints.isEmpty { throw .unreadableTrust(path: path) }
        }
    }

    /// Ends what is left, without close frames, and frees the library's state. On the loop, not from a handler; once
    /// the sockets have been closed.
    package func destroy() {
        guard let context = unsafe raw else { return }
        unsafe raw = nil
        unsafe participants = nil
        unsafe providers = nil
        unsafe lws_context_destroy(context)
    }

    // MARK: For the sockets

    /// Room for one write of at most `WebSocketLimits.writeBytes`, with the header's room before it.
    var scratch: UnsafeMutableRawPointer { unsafe scratchBase + voiced_lws_pre }

    func wakeLibrary() {
        if let raw = unsafe raw { unsafe lws_cancel_service(raw) }
    }

    func takeLastError() -> String? {
        defer { lastError = nil }
        return lastError
    }
}

extension TrustStore {
    /// Where distributions keep their bundle. Named explicitly: without a file the library would also look into a
    /// directory relative to wherever the process was started.
    private static let bundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

    var certificateFile: String? {
        switch self {
        case .file(let path): path
        case .system: Self.bundles.first { unsafe access($0, R_OK) == 0 }
        }
    }
}
