import NIOCore

/// Things that go wrong on purpose in the middle of a conversation.
extension RealtimeSession {
    /// True when the conversation, or the answer that is under way, ended by it.
    func suffer(_ fault: Fault?) -> Bool {
        guard let fault, !isClosed else { return false }
        switch fault.kind {
        case .closeMidResponse:
            stopTalking()
            if let code = fault.closeCode { sink?.close(code: code, reason: "") } else { sink?.cut() }
        case .halfOpen:
            stopTalking()
            sink?.freeze()
        case .garbage:
            send(ByteBuffer(string: "{this is no JSON"))
            return false
        case .oversize:
            send(Self.padded(to: fault.bytes))
            return false
        case .failedResponse:
            guard let active else { return false }
            finish(
                active, .failed(type: "server_error", code: fault.errorCode, message: "A failure made on purpose."))
        case .sessionExpired: expire()
        case .errorEvent:
            complain(ClientError(fault.errorCode, "An error made on purpose."), nil)
            return false
        case .slowReading:
            sink?.slow(toBytesPerSecond: fault.bytes)
            return false
        case .refuse429, .refuse401, .refuse500, .outage, .firstAudio: return false
        }
        return true
    }

    /// The participant begins to speak: a fault may be due some time into it.
    func sufferDuringSpeech() {
        guard let fault = context.faults.fault(at: .speech, on: number) else { return }
        _ = after(.milliseconds(fault.milliseconds)) { _ = $0.suffer(fault) }
    }

    /// An event that nobody knows, of so many bytes.
    private static func padded(to bytes: Int) -> ByteBuffer {
        let head = #"{"type":"sim.padding","pad":""#
        var message = ByteBuffer()
        message.reserveCapacity(bytes)
        message.writeString(head)
        message.writeRepeatingByte(UInt8(ascii: "x"), count: max(0, bytes - head.utf8.count - 2))
        message.writeString(#""}"#)
        return message
    }
}
