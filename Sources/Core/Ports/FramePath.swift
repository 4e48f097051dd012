/// The named points that every audio frame passes, in both directions. All lie on the session's loop; a test notes
/// the thread at each of them.
package enum FramePoint: String, Sendable, Hashable, CaseIterable {
    /// A binary frame of the participant has been read.
    case socketIn = "socket_in"
    case decode
    /// An append has been handed to the provider's socket.
    case providerOut = "provider_out"
    /// An audio delta of the provider has been read.
    case providerIn = "provider_in"
    case encode
    /// A packet has been handed to the participant's socket.
    case socketOut = "socket_out"
}

/// A class, because every frame copies the place where it would be.
package protocol FramePathProbe: AnyObject, Sendable {
    func passed(_ point: FramePoint, loop: Int)
}
