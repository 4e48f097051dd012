/// Serial number arithmetic (RFC 1982): how far `later` is after `earlier`, negative when it is before. Both numbers
/// of an audio frame wrap inside every interview.
package enum SerialDistance {
    package static func between(_ earlier: UInt32, _ later: UInt32) -> Int { Int(Int32(bitPattern: later &- earlier)) }
    package static func between(_ earlier: UInt16, _ later: UInt16) -> Int { Int(Int16(bitPattern: later &- earlier)) }
}
