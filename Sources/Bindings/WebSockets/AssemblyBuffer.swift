/// The fragments of one incoming message, growing with what comes: a header that announces 16 MiB costs nothing yet.
@safe
struct AssemblyBuffer {
    private var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: chunk)
    }

    func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        unsafe bytes.withUnsafeBytes { unsafe body($0) }
    }

    /// Ready for the next message; a large buffer is given back.
    mutating func reset() {
        if bytes.capacity > WebSocketLimits.keptAssemblyBytes {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }
}
