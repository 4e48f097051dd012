import Ports

extension AudioEncoder {
    /// Encodes the first `count` samples (20 ms) of `samples` into `packet` and returns the number of bytes.
    func encode(_ samples: [Int16], count: Int, into packet: inout [UInt8]) throws(CodecError) -> Int {
        // The standard library's closures do not carry a typed error out; a result does.
        let result: Result<Int, CodecError> = samples.withUnsafeBufferPointer { samples in
            packet.withUnsafeMutableBytes { packet in
                do throws(CodecError) {
                    return .success(try encode(UnsafeBufferPointer(rebasing: samples[..<count]), into: packet))
                } catch { return .failure(error) }
            }
        }
        return try result.get()
    }
}
