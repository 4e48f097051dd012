import InterviewCore
import ParticipantLoad
import Testing

@Suite("DownlinkRecord")
struct DownlinkRecordTests {
    private func header(_ sequence: UInt16, _ timestamp: UInt32) -> AudioFrameHeader {
        AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
    }

    @Test("sequence gaps and repetitions are counted across the wrap")
    func sequence() {
        var record = DownlinkRecord()
        record.connected()
        record.itemBegan("a", at: .zero)
        for (index, sequence) in [UInt16(65_534), 65_535, 0, 3, 3, 4].enumerated() {
            _ = record.received(
                header(sequence, UInt32(index * 960)), bytes: 10, position: .zero, at: .zero)
        }
        #expect(record.missing == 2)
        #expect(record.repeated == 1)
        #expect(record.frames == 6)
        record.connected()
        _ = record.received(header(900, 0), bytes: 10, position: .zero, at: .zero)
        #expect(record.missing == 2)
    }

    @Test("late is measured against the item's first frame, early is not late")
    func lateness() {
        var record = DownlinkRecord()
        record.connected()
        record.itemBegan("a", at: .zero)
        let arrivals = [0, 0, 0, 75, 60]
        for (index, at) in arrivals.enumerated() {
            _ = record.received(
                header(UInt16(index), UInt32(index * 960)), bytes: 10, position: .zero, at: .milliseconds(at))
        }
        #expect(record.lateness.largest == 15)
        #expect(record.lateness.count == 5)
        #expect(record.lateness.percentile(0.8) == 0)
    }

    @Test("only the first frame ever of an item is its first sound; a frame after a flush is misplaced")
    func firsts() {
        var record = DownlinkRecord()
        record.connected()
        let orphan = record.received(header(0, 0), bytes: 1, position: nil, at: .zero)
        record.itemBegan("a", at: .zero)
        let first = record.received(header(1, 0), bytes: 1, position: .zero, at: .zero)
        record.connected()
        record.itemBegan("a", at: .zero)
        let again = record.received(header(7, 0), bytes: 1, position: .milliseconds(20), at: .zero)
        #expect([orphan, first, again] == [false, true, false])
        record.flushed("a", at: .zero)
        _ = record.received(header(8, 960), bytes: 1, position: .zero, at: .zero)
        #expect(record.misplaced == 2)
        #expect(record.items.first?.begins == [.zero, .milliseconds(20)])
    }
}
