import InterviewCore
import Testing

@Suite struct AnswerWatchTests {
    enum Event { case owed, again, event, settled }

    @Test(
        "what is done after silence",
        arguments: [
            ([(Event, Int)](), 100, AnswerWatch.OnLook.nothing),
            ([(.event, 0)], 100, .nothing),
            ([(.owed, 0)], 9, .nothing),
            ([(.owed, 0)], 10, .reopen),
            ([(.owed, 0), (.event, 5)], 14, .nothing),
            ([(.owed, 0), (.event, 5)], 15, .reopen),
            ([(.owed, 0), (.settled, 5)], 100, .nothing),
            ([(.again, 0)], 2, .nothing),
            ([(.again, 0), (.event, 2)], 3, .ask),
            ([(.again, 0), (.settled, 1)], 100, .nothing),
        ])
    func looked(events: [(Event, Int)], at seconds: Int, answer: AnswerWatch.OnLook) {
        var watch = AnswerWatch()
        for (event, second) in events {
            switch event {
            case .owed: watch.answerOwed(at: .seconds(second))
            case .again: watch.turnGivenAgain(at: .seconds(second))
            case .event: watch.providerSpoke(at: .seconds(second))
            case .settled: watch.settled()
            }
        }
        #expect(watch.looked(at: .seconds(seconds)) == answer)
    }

    @Test("each thing is done once: after asking an answer is owed, after reopening nothing is")
    func once() {
        var watch = AnswerWatch()
        watch.turnGivenAgain(at: .zero)
        #expect(watch.looked(at: .seconds(3)) == .ask)
        #expect(watch.looked(at: .seconds(4)) == .nothing)
        #expect(watch.looked(at: .seconds(13)) == .reopen)
        #expect(watch.looked(at: .seconds(100)) == .nothing)
    }
}
