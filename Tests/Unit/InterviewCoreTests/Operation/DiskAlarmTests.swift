import InterviewCore
import Testing

@Suite struct DiskAlarmTests {
    @Test("the alarm is told once, names the fullest folder, and ends with a tenth of room more")
    func cycle() {
        var alarm = DiskAlarm(threshold: 1_000)
        #expect(alarm.measured(["state": 1_000, "objects": 5_000]) == .nothing)
        #expect(alarm.measured(["state": 999, "objects": 5_000]) == .nearlyFull(label: "state", free: 999))
        #expect(alarm.isNearlyFull)
        #expect(alarm.measured(["state": 10, "objects": 5]) == .nothing)
        #expect(alarm.measured(["state": 1_099, "objects": 5_000]) == .nothing)
        #expect(alarm.isNearlyFull)
        #expect(alarm.measured(["state": 1_100, "objects": 5_000]) == .roomAgain)
        #expect(!alarm.isNearlyFull)
    }

    @Test("what could not be measured says nothing, neither way")
    func unmeasured() {
        var alarm = DiskAlarm(threshold: 1_000)
        #expect(alarm.measured([:]) == .nothing)
        #expect(alarm.measured(["state": 1]) == .nearlyFull(label: "state", free: 1))
        #expect(alarm.measured([:]) == .nothing)
        #expect(alarm.isNearlyFull)
    }

    @Test("a threshold of 0 never alarms, and setting it ends an alarm")
    func off() {
        var alarm = DiskAlarm(threshold: 0)
        #expect(alarm.measured(["state": 0]) == .nothing)
        alarm.threshold = .max
        #expect(alarm.measured(["state": .max - 1]) == .nearlyFull(label: "state", free: .max - 1))
        alarm.threshold = 0
        #expect(alarm.measured(["state": 0]) == .roomAgain)
    }
}
