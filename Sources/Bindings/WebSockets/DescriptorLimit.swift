import Glibc

/// Each context allocates 16 bytes for every descriptor that the process may ever open, so the limit must stand before
/// the first context: enough for thousands of sockets, and not the million that some containers start with.
enum DescriptorLimit {
    static let wanted: UInt = 65_536

    static let prepared: Void = {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        // Refused: the library works with what there is.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }()
}
