/// What can go wrong before a participant talks. What happens to a conversation afterwards is a result
/// (`ParticipantOutcome`), not an error.
package enum ParticipantLoadError: Error, Hashable, Sendable {
    /// A file that cannot be opened or read; `code` is errno.
    case unreadable(path: String, code: Int32)
    case wave(path: String, WaveFault)
    /// The Opus library refused its settings or a frame; `code` is the library's name for it.
    case codec(code: String)
    /// Not `http://` or `ws://` with a host: TLS ends in front of the service, so this client has none.
    case address(String)
    /// The other side could not be reached or did not answer in time; `code` is a POSIX name or `timeout`.
    case unreachable(code: String)
    /// An HTTP answer that is not the expected one.
    case refused(status: Int, code: String)
    /// An HTTP answer that cannot be read.
    case nonsense(what: String)
}

/// Why a file is no WAV file that this reader takes.
package enum WaveFault: String, Hashable, Sendable {
    case notRIFF = "not a RIFF/WAVE file"
    case noFormat = "no fmt chunk before the data"
    case noData = "no data chunk, or an empty one"
    case encoding = "not linear PCM"
    case bits = "neither 8 nor 16 bits a sample"
    case rate = "sample rate outside 4,000 to 192,000 Hz"
    case channels = "neither mono nor stereo"
    case tooBig = "larger than 64 MiB"
}

extension ParticipantLoadError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let code): "cannot read \(path): errno \(code)"
        case .wave(let path, let fault): "\(path): \(fault.rawValue)"
        case .codec(let code): "the Opus library refused: \(code)"
        case .address(let text): "not an http:// or ws:// address with a host: \(text)"
        case .unreachable(let code): "no answer: \(code)"
        case .refused(let status, let code): "refused with \(status) (\(code))"
        case .nonsense(let what): "unreadable answer: \(what)"
        }
    }
}
