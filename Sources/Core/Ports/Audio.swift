/// Makes codecs for one session. Opus on the participant's side, 16-bit mono PCM on the provider's.
package protocol AudioCodecs: Sendable {
    /// `rate`: 8,000, 12,000, 16,000, 24,000 or 48,000 Hz.
    func makeDecoder(rate: Int) throws(CodecError) -> any AudioDecoder
    func makeEncoder(rate: Int) throws(CodecError) -> any AudioEncoder
}

package enum CodecError: Error, Sendable, Hashable {
    case unsupportedRate(Int)
    /// The library's own code, for example `OPUS_INVALID_PACKET`.
    case refused(String)
}

/// Not Sendable on purpose: it lives inside one session.
package protocol AudioDecoder: AnyObject {
    /// Decodes one packet of at most 60 ms into `samples` and returns the number of samples.
    /// Throws `CodecError.refused` for what is no Opus packet; the state is unharmed.
    func decode(_ packet: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) throws(CodecError)
        -> Int
    /// Invents `samples.count` samples for a lost packet (a multiple of 2.5 ms).
    func conceal(into samples: UnsafeMutableBufferPointer<Int16>) throws(CodecError) -> Int
}

package protocol AudioEncoder: AnyObject {
    /// Encodes exactly 20 ms and returns the number of bytes (1 to 1,276).
    func encode(_ frame: UnsafeBufferPointer<Int16>, into packet: UnsafeMutableRawBufferPointer) throws(CodecError)
        -> Int
    /// Forgets what came before, so that an utterance's packets depend on that utterance alone.
    func reset()
}

/// Writes a conversation's sound. Opened on the session's loop; the packet calls are on the loop and only copy:
/// files are written elsewhere.
package protocol RecorderFactory: Sendable {
    /// `startingAt`: 48 kHz units since the conversation began.
    func open(session: String, epoch: Int64, startingAt position: Int64) -> any Recorder
    /// A session is taken over or given up: its files that a dead process left open are finished, and go where finished
    /// ones go. Those of living processes stay theirs. Returns at once.
    func collectLeftBehind(of session: String)
    /// Files that are finished and wait to be kept for good.
    var waitingParts: Int { get }
}

package protocol Recorder: AnyObject, Sendable {
    /// An Opus packet of the participant at `position` (48 kHz units since the conversation began), as it came.
    /// Positions never go back within a track; a gap is filled with silence.
    func participant(_ packet: UnsafeRawBufferPointer, at position: Int64)
    /// An Opus packet of the agent, as sent.
    func agent(_ packet: UnsafeRawBufferPointer, at position: Int64)
    /// Writes what is buffered and closes; both tracks padded to `position`. Returns when it is on the disk.
    func finish(at position: Int64) async
    /// True when a write has failed: the call goes on, the row says so.
    var failed: Bool { get }
}
