import InterviewCore
import Testing

@Suite("SerialNumber")
struct SerialNumberTests {
    @Test(
        "a 16-bit number is after another when it is reached by counting up less than half the range",
        arguments: [
            (UInt16(0), UInt16(1), 1), (1, 0, -1), (65_535, 0, 1), (0, 65_535, -1), (65_530, 5, 11), (7, 7, 0),
            (0, 32_767, 32_767), (0, 32_768, -32_768), (40_000, 7_232, -32_768), (40_000, 7_231, 32_767),
        ])
    func distance16(from: UInt16, to: UInt16, expected: Int) {
        #expect(SerialNumber.distance(from: from, to: to) == expected)
        #expect(SerialNumber.isAfter(to, from) == (expected > 0))
    }

    @Test(
        "a 32-bit number is after another when it is reached by counting up less than half the range",
        arguments: [
            (UInt32(0), UInt32(960), Int64(960)), (.max, 0, 1), (.max - 959, 0, 960), (0, .max, -1),
            (0, 0x8000_0000, -0x8000_0000), (0, 0x7FFF_FFFF, 0x7FFF_FFFF), (123, 123, 0),
        ])
    func distance32(from: UInt32, to: UInt32, expected: Int64) {
        #expect(SerialNumber.distance(from: from, to: to) == expected)
        #expect(SerialNumber.isAfter(to, from) == (expected > 0))
    }

    @Test("an unwrapped clock counts on over any number of wraps")
    func unwraps() {
        var clock = UnwrappedClock()
        let start = UInt32.max - 1_000
        var expected = clock.advance(to: start)
        #expect(expected == Int64(start))
        var timestamp = start
        let step: UInt32 = 1_000_000_000
        for _ in 0..<20 {
            timestamp &+= step
            expected += Int64(step)
            #expect(clock.advance(to: timestamp) == expected)
            #expect(UnwrappedClock.timestamp(at: expected) == timestamp)
        }
        #expect(expected > 4 * Int64(UInt32.max))
    }

    @Test("an earlier timestamp has its earlier position and does not set the clock back")
    func looksBack() {
        var clock = UnwrappedClock()
        clock.advance(to: 100)
        let wrapped = clock.advance(to: UInt32(bitPattern: -50))
        #expect(wrapped == 50 - 100)
        #expect(clock.latest == 100)
        #expect(clock.advance(to: 200) == 200)
        clock.restart(at: -1_000)
        #expect(clock.position(of: UInt32(bitPattern: -900)) == -900)
    }

    @Test(
        "units and durations give each other back",
        arguments: [Int64(0), 1, 2, 7, 47, 48, 119, 120, 959, 960, 47_999, 48_000, 48_001, 2_870_417, 172_800_000_001])
    func roundTrip(units: Int64) {
        #expect(AudioUnits.units(in: AudioUnits.duration(of: units)) == units)
    }

    @Test("milliseconds are 48 units, negative ones too")
    func milliseconds() {
        #expect(AudioUnits.units(in: .milliseconds(20)) == 960)
        #expect(AudioUnits.units(in: .milliseconds(-20)) == -960)
        #expect(AudioUnits.units(in: .seconds(3_600)) == 172_800_000)
        #expect(AudioUnits.units(in: .nanoseconds(20_833)) == 0)
        #expect(AudioUnits.units(in: .seconds(Int64.max)) > 0)
    }
}
