import Foundation
import Synchronization

/// Sees what arrives on the loopback, with the kernel's own times: the witness of what a frame waited for inside a
/// process, whatever that process or its peers believe. A segment on the loopback arrives within the `send` that wrote
/// it, so the same clock tells when a frame was received and when the append that it became was written.
///
/// A ring that is shared with the kernel (`packet(7)`, PACKET_RX_RING with TPACKET_V2): nothing is asked of the
/// kernel for a packet. Only the heads are kept. Needs CAP_NET_RAW.
///
/// `@unchecked Sendable`: the ring is touched by one task, what it found lies behind a lock.
package final class PacketCapture: @unchecked Sendable {
    /// The head of one TCP segment that carries something.
    package struct Segment: Sendable {
        /// Nanoseconds of CLOCK_REALTIME.
        package var at: Int64
        package var source: UInt16
        package var destination: UInt16
        /// Of the first byte it carries, on its connection.
        package var sequence: UInt32
        /// Bytes it carries, and the first of them.
        package var length: Int
        package var first: UInt8

        package init(at: Int64, source: UInt16, destination: UInt16, sequence: UInt32, length: Int, first: UInt8) {
            self.at = at
            self.source = source
            self.destination = destination
            self.sequence = sequence
            self.length = length
            self.first = first
        }
    }

    // From <linux/if_packet.h>, which Glibc's module map leaves out.
    private static let familyPacket: Int32 = 17
    private static let solPacket: Int32 = 263
    private static let packetRing: Int32 = 5
    private static let packetVersion: Int32 = 10
    private static let packetIgnoreOutgoing: Int32 = 23
    private static let version2: Int32 = 1
    private static let statusUser: UInt32 = 1
    private static let statusLosing: UInt32 = 4
    private static let protocolIP = UInt16(0x0800).bigEndian

    private static let slotBytes = 256
    private static let blockBytes = 1 << 16
    private static let blocks = 256
    private static let slots = blockBytes / slotBytes * blocks
    private static let drainEvery: Duration = .milliseconds(20)

    private let descriptor: Int32
    private let ring: UnsafeMutableRawPointer
    private var slot = 0
    private let ports: Set<UInt16>
    private let found = Mutex<[Segment]>([])
    private let lost = Atomic(false)
    private let stopping = Atomic(false)
    private var drainer: Task<Void, Never>?

    /// Sees what goes from or to one of `ports` of the loopback, from now on. Throws without the right to.
    init(ports: [Int]) throws {
        self.ports = Set(ports.map { UInt16(clamping: $0) })
        descriptor = socket(Self.familyPacket, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError.missing("the right to capture packets (CAP_NET_RAW)") }
        do { ring = try Self.prepare(descriptor) } catch {
            close(descriptor)
            throw error
        }
        drainer = Task.detached { [self] in
            while !stopping.load(ordering: .relaxed) {
                drain()
                try? await Task.sleep(for: Self.drainEvery)
            }
        }
    }

    private static func prepare(_ descriptor: Int32) throws -> UnsafeMutableRawPointer {
        func set(_ option: Int32, _ values: [UInt32]) throws {
            let bytes = socklen_t(values.count * 4)
            guard setsockopt(descriptor, solPacket, option, values, bytes) == 0 else {
                throw BenchError.missing("packet capture option \(option)")
            }
        }
        try set(packetVersion, [UInt32(version2)])
        // Each segment passes the loopback twice; how it leaves is of no interest.
        try set(packetIgnoreOutgoing, [1])
        try set(packetRing, [UInt32(blockBytes), UInt32(blocks), UInt32(slotBytes), UInt32(slots)])
        let memory = mmap(nil, blockBytes * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw BenchError.missing("a packet ring") }
        // struct sockaddr_ll: family, protocol, interface, and ten bytes that a binding leaves zero.
        var address = [UInt8](repeating: 0, count: 20)
        address.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: UInt16(familyPacket), as: UInt16.self)
            bytes.storeBytes(of: protocolIP, toByteOffset: 2, as: UInt16.self)
            bytes.storeBytes(of: Int32(if_nametoindex("lo")), toByteOffset: 4, as: Int32.self)
        }
        let bound = address.withUnsafeBytes { bytes in
            bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard bound == 0 else { throw BenchError.missing("the loopback interface") }
        return memory
    }

    /// Ends the capture. `complete`: the kernel found room for everything.
    func stop() async -> (segments: [Segment], complete: Bool) {
        stopping.store(true, ordering: .relaxed)
        await drainer?.value
        drain()
        munmap(ring, Self.blockBytes * Self.blocks)
        close(descriptor)
        return (found.withLock { $0 }, !lost.load(ordering: .relaxed))
    }

    /// What has been seen so far.
    var segments: [Segment] { found.withLock { $0 } }

    /// Now, on the clock of `Segment.at`.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private func drain() {
        var new: [Segment] = []
        for _ in 0..<Self.slots {
            let packet = ring + slot * Self.slotBytes
            let status = packet.load(as: UInt32.self)
            guard status & Self.statusUser != 0 else { break }
            atomicMemoryFence(ordering: .acquiring)
            if status & Self.statusLosing != 0 { lost.store(true, ordering: .relaxed) }
            if let segment = read(packet) { new.append(segment) }
            atomicMemoryFence(ordering: .releasing)
            packet.storeBytes(of: 0, as: UInt32.self)
            slot = (slot + 1) % Self.slots
        }
        if !new.isEmpty { found.withLock { $0.append(contentsOf: new) } }
    }

    /// struct tpacket2_hdr: status, length, bytes kept, two offsets (link, network), seconds, nanoseconds.
    private func read(_ packet: UnsafeMutableRawPointer) -> Segment? {
        let whole = Int(packet.load(fromByteOffset: 4, as: UInt32.self))
        let kept = Int(packet.load(fromByteOffset: 8, as: UInt32.self))
        let network = Int(packet.load(fromByteOffset: 14, as: UInt16.self))
        let bytes = UnsafeRawBufferPointer(start: packet + network, count: min(kept, Self.slotBytes - network))
        guard bytes.count >= 40, bytes[0] >> 4 == 4, bytes[9] == UInt8(IPPROTO_TCP) else { return nil }
        let tcp = Int(bytes[0] & 15) * 4
        guard bytes.count > tcp + 12 else { return nil }
        let source = UInt16(bytes[tcp]) << 8 | UInt16(bytes[tcp + 1])
        let destination = UInt16(bytes[tcp + 2]) << 8 | UInt16(bytes[tcp + 3])
        let payload = tcp + Int(bytes[tcp + 12] >> 4) * 4
        guard whole > payload, payload < bytes.count, ports.contains(source) || ports.contains(destination) else {
            return nil
        }
        let seconds = Int64(packet.load(fromByteOffset: 16, as: UInt32.self))
        let nanoseconds = Int64(packet.load(fromByteOffset: 20, as: UInt32.self))
        return Segment(
            at: seconds * 1_000_000_000 + nanoseconds, source: source, destination: destination,
            sequence: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: tcp + 4, as: UInt32.self)),
            length: whole - payload, first: bytes[payload])
    }
}
