import CLibPQ

extension PostgresConnection {
    /// What has arrived on the channels that a script listens to; waits at most `limit` for the first, and returns an
    /// empty array then. Meanwhile this connection can do nothing else.
    package func notifications(within limit: Duration) throws(PostgresError) -> [PostgresNotification] {
        try using { library throws(PostgresError) in
            let deadline = ContinuousClock.now.advanced(by: limit)
            while true {
                let arrived = Self.takeNotifications(of: library)
                if !arrived.isEmpty { return arrived }
                switch try library.wait(writing: false, wake: interruption.descriptor, until: deadline) {
                case .ready: break
                case .interrupted: throw .closed
                case .late: return []
                }
                guard unsafe PQconsumeInput(library.handle) == 1 else { throw .lost }
            }
        }
    }

    private static func takeNotifications(of library: LibraryConnection) -> [PostgresNotification] {
        var taken: [PostgresNotification] = []
        while let notification = unsafe PQnotifies(library.handle) {
            unsafe taken.append(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
            unsafe PQfreemem(notification)
        }
        return taken
    }
}
