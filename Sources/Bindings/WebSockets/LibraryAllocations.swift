import CLibWebSockets

/// What the library keeps pointers to for as long as its context lives: names, protocol tables, policies.
@safe
final class LibraryAllocations {
    var subprotocol = ""
    private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
    private var protocolTables: [UnsafeMutablePointer<lws_protocols>] = unsafe []
    private let loops = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 1)
    /// All zero: no pings and hang-ups of the library's own. Participants have beats, providers `watchSilence`.
    private let policy = UnsafeMutablePointer<lws_retry_bo_t>.allocate(capacity: 1)

    init() {
        unsafe loops.initialize(to: nil)
        unsafe policy.initialize(to: lws_retry_bo_t())
    }

    deinit {
        unsafe strings.forEach { unsafe $0.deallocate() }
        unsafe protocolTables.forEach { unsafe $0.deallocate() }
        unsafe loops.deallocate()
        unsafe policy.deallocate()
    }

    func makeContext(loop: OpaquePointer, user: UnsafeMutableRawPointer) -> OpaquePointer? {
        unsafe loops.pointee = UnsafeMutableRawPointer(loop)
        var info = unsafe lws_context_creation_info()
        unsafe info.port = voiced_lws_no_listen
        unsafe info.gid = -1
        unsafe info.uid = -1
        unsafe info.user = user
        unsafe info.foreign_loops = loops
        // The built-in poll loop is O(open sockets) for each wake-up.
        unsafe info.options =
            UInt64(LWS_SERVER_OPTION_LIBEV) | UInt64(LWS_SERVER_OPTION_EXPLICIT_VHOSTS)
            | UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT) | UInt64(LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME)
        unsafe info.pt_serv_buf_size = WebSocketLimits.serviceBytes
        unsafe info.max_http_header_data = WebSocketLimits.headBytes
        unsafe info.timeout_secs = WebSocketLimits.libraryTimeoutSeconds
        unsafe info.retry_and_idle_policy = UnsafePointer(policy)
        return unsafe lws_create_context(&info)
    }

    func makeParticipantHost(_ context: OpaquePointer) -> OpaquePointer? {
        var info = unsafe hostInfo("participants", protocol: subprotocol, read: WebSocketLimits.participantReadBytes)
        // No TLS here, so no TLS context either: it would load the distribution's certificates once more.
        return unsafe lws_create_vhost(context, &info)
    }

    /// `certificates`: the only ones trusted. Nil: what OpenSSL finds by itself.
    func makeProviderHost(_ context: OpaquePointer, certificates: String?) -> OpaquePointer? {
        var info = unsafe hostInfo("providers", protocol: "provider", read: WebSocketLimits.providerReadBytes)
        unsafe info.options = UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
        if let certificates {
            unsafe info.options |= UInt64(LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS)
            unsafe info.client_ssl_ca_filepath = UnsafePointer(keep(certificates))
        }
        unsafe info.alpn = UnsafePointer(keep("http/1.1"))
        return unsafe lws_create_vhost(context, &info)
    }

    private func hostInfo(_ name: String, protocol: String, read: Int) -> lws_context_creation_info {
        let table = UnsafeMutablePointer<lws_protocols>.allocate(capacity: 2)
        unsafe protocolTables.append(table)
        unsafe table.initialize(repeating: lws_protocols(), count: 2)
        unsafe table[0].name = UnsafePointer(keep(`protocol`))
        unsafe table[0].rx_buffer_size = read
        unsafe table[0].tx_packet_size = WebSocketLimits.writeBytes
        unsafe voiced_lws_set_callback(table) { wsi, reason, user, input, length in
            unsafe libraryCallback(wsi, reason, user, input, length)
        }
        var info = unsafe lws_context_creation_info()
        unsafe info.port = voiced_lws_no_listen
        unsafe info.vhost_name = UnsafePointer(keep(name))
        unsafe info.protocols = UnsafePointer(table)
        unsafe info.retry_and_idle_policy = UnsafePointer(policy)
        unsafe info.connect_timeout_secs = WebSocketLimits.libraryTimeoutSeconds
        return unsafe info
    }

    private func keep(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { unsafe (copy + index).initialize(to: byte) }
        unsafe strings.append(copy)
        return unsafe copy
    }
}
