import COpus

/// libopus' result codes under their own names, searchable in its manual.
package enum OpusError: String, Error, Sendable, Hashable, CaseIterable {
    case OPUS_BAD_ARG
    case OPUS_BUFFER_TOO_SMALL
    case OPUS_INTERNAL_ERROR
    case OPUS_INVALID_PACKET
    case OPUS_UNIMPLEMENTED
    case OPUS_INVALID_STATE
    case OPUS_ALLOC_FAIL
    /// A code that this version of the binding does not know.
    case OPUS_UNKNOWN

    init(code: Int32) {
        self =
            switch code {
            case -1: .OPUS_BAD_ARG
            case -2: .OPUS_BUFFER_TOO_SMALL
            case -3: .OPUS_INTERNAL_ERROR
            case -4: .OPUS_INVALID_PACKET
            case -5: .OPUS_UNIMPLEMENTED
            case -6: .OPUS_INVALID_STATE
            case -7: .OPUS_ALLOC_FAIL
            default: .OPUS_UNKNOWN
            }
    }

    /// Passes a count or OPUS_OK on, throws a negative code.
    @discardableResult
    static func check(_ result: Int32) throws(OpusError) -> Int {
        guard result >= 0 else { throw OpusError(code: result) }
        return Int(result)
    }
}
