import CLibEv
import Ports

/// 20 ms ticks in four phases of 5 ms: a hundred sessions that encode in the same millisecond would hold the last
/// one's frame back by 10 to 15 ms. One libev timer serves them all and runs only while somebody ticks.
extension EventLoop {
    package func startTicking(_ ticker: any LoopTicker) {
        assertOnLoop()
        let id = ObjectIdentifier(ticker)
        guard phaseOfTicker[id] == nil else { return }
        var emptiest = 0
        for phase in 1..<SlotClock.phaseCount where phases[phase].count < phases[emptiest].count { emptiest = phase }
        phases[emptiest].append(ticker)
        phaseOfTicker[id] = emptiest
        if phaseOfTicker.count == 1 { startSlots() }
    }

    package func stopTicking(_ ticker: any LoopTicker) {
        assertOnLoop()
        guard let phase = phaseOfTicker.removeValue(forKey: ObjectIdentifier(ticker)) else { return }
        phases[phase].removeAll { $0 === ticker }
        tickersStopped &+= 1
        if phaseOfTicker.isEmpty { unsafe ev_timer_stop(raw, tickWatcher) }
    }

    private func startSlots() {
        slots = SlotClock(startingAt: LoopClock.nanoseconds())
        armSlots()
    }

    private func armSlots() {
        unsafe ev_timer_stop(raw, tickWatcher)
        unsafe ev_now_update(raw)
        let wait = max(0, slots.next &- LoopClock.nanoseconds())
        unsafe voiced_ev_timer_set(tickWatcher, Double(wait) / 1e9, 0)
        unsafe ev_timer_start(raw, tickWatcher)
    }

    func slotsDue() {
        let now = LoopClock.nanoseconds()
        if now >= slots.next { lag.note(late: now &- slots.next, at: now) }
        for phase in slots.advance(to: now) { tickPhase(phase) }
        if !phaseOfTicker.isEmpty { armSlots() }
    }

    private func tickPhase(_ phase: Int) {
        // A copy: a ticker may stop itself or another one.
        let before = tickersStopped
        for ticker in phases[phase] {
            if tickersStopped != before, phaseOfTicker[ObjectIdentifier(ticker)] != phase { continue }
            ticker.tick(at: .nanoseconds(LoopClock.nanoseconds()))
        }
    }
}
