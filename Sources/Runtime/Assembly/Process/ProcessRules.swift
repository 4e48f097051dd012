import Foundation

/// What holds for the whole process.
package enum ProcessRules {
    /// Speech and keys are in our memory: it is never dumped to a file. A peer that goes away while we write is an
    /// error of that write, not a signal.
    package static func apply() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        signal(SIGPIPE, SIG_IGN)
        umask(0o077)
    }
}
