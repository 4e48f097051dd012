import ParticipantLoad
import Testing

@Suite("UplinkMemory")
struct UplinkMemoryTests {
    private func filled(_ count: Int, from start: UInt32) -> UplinkMemory {
        var memory = UplinkMemory()
        for index in 0..<count { memory.captured(.room(frame: 0), at: start &+ UInt32(index) &* 960) }
        return memory
    }

    private func drain(_ memory: inout UplinkMemory) -> [(timestamp: UInt32, again: Bool)] {
        var out: [(timestamp: UInt32, again: Bool)] = []
        while let (frame, again) = memory.next() { out.append((frame.timestamp, again)) }
        return out
    }

    @Test("frames go once, in order, until a rejoin asks for them again")
    func again() {
        let start = UInt32.max - 2_000
        var memory = filled(6, from: start)
        #expect(drain(&memory).allSatisfy { !$0.again })
        memory.resend(from: start &+ 3 * 960)
        memory.captured(.room(frame: 0), at: start &+ 6 * 960)
        let sent = drain(&memory)
        #expect(sent.map(\.timestamp) == (3...6).map { start &+ UInt32($0) &* 960 })
        #expect(sent.map(\.again) == [true, true, true, false])
    }

    @Test("an ack forgets what is before it, across the wrap, and never what was not sent")
    func acknowledged() {
        let start = UInt32.max - 2_000
        var memory = filled(6, from: start)
        _ = memory.next()
        _ = memory.next()
        memory.acknowledged(before: start &+ 5 * 960)
        #expect(memory.count == 4)
        #expect(memory.unsent == 4)
        _ = drain(&memory)
        memory.acknowledged(before: start &+ 5 * 960)
        #expect(memory.count == 1)
        memory.resend(from: nil)
        #expect(drain(&memory).map(\.timestamp) == [start &+ 5 * 960])
    }

    @Test("ten minutes are kept, not more")
    func bounded() {
        var memory = filled(UplinkMemory.mostFrames + 5, from: 0)
        #expect(memory.count == UplinkMemory.mostFrames)
        #expect(memory.forgotten == 5)
        let oldest = memory.next()?.frame.timestamp
        #expect(oldest == 4_800)
    }
}
