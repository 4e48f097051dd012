package enum EventLoopError: Error, Sendable, Hashable {
    /// libev could not make an event loop: usually no descriptor is left for its epoll instance.
    case noBackend
    /// `pthread_create` failed with this errno.
    case noThread(Int32)
}
