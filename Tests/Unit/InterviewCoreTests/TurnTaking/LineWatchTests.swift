import InterviewCore
import Testing

@Suite struct LineWatchTests {
    @Test("speech without any event for five seconds asks for a sign of life, once")
    func asks() {
        var watch = LineWatch()
        watch.gave(speech: .milliseconds(300), at: .seconds(10))
        #expect(watch.looked(at: .milliseconds(14_999)) == .nothing)
        #expect(watch.looked(at: .seconds(15)) == .ping)
        #expect(watch.looked(at: .seconds(30)) == .nothing)
    }

    @Test("any event begins anew")
    func event() {
        var watch = LineWatch()
        watch.gave(speech: .seconds(1), at: .seconds(10))
        watch.providerSpoke()
        #expect(watch.looked(at: .seconds(20)) == .nothing)
        watch.gave(speech: .seconds(1), at: .seconds(20))
        #expect(watch.looked(at: .milliseconds(24_999)) == .nothing)
        #expect(watch.looked(at: .seconds(25)) == .ping)
    }

    @Test("a noise and silence ask for nothing")
    func noise() {
        var watch = LineWatch()
        watch.gave(speech: .zero, at: .seconds(10))
        watch.gave(speech: .milliseconds(280), at: .seconds(11))
        #expect(watch.looked(at: .seconds(60)) == .nothing)
        watch.gave(speech: .milliseconds(20), at: .seconds(61))
        #expect(watch.looked(at: .seconds(61)) == .ping)
    }

    @Test("speech is told from a quiet room by its level")
    func level() {
        let loud = (0..<480).map { Int16(($0 % 80) < 40 ? 1_000 : -1_000) }
        let room = (0..<480).map { Int16(($0 % 80) < 40 ? 60 : -60) }
        #expect(SpeechLevel.isSpeech(loud[...]))
        #expect(!SpeechLevel.isSpeech(room[...]))
        #expect(!SpeechLevel.isSpeech([][...]))
        #expect(SpeechLevel.isSpeech([Int16](repeating: .min, count: 480)[...]))
    }
}
