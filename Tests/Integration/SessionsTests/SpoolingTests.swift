import InterviewCore
import LocalDisk
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// A call while the store is away.
@Suite struct SpoolingTests {
    private func spooled(in rig: Rig) async throws -> [SpoolEntry] {
        // As the next start on this folder would find it, were this process dead: the lock is not looked at.
        try SpoolFile.entries(of: "\(rig.stateFolder)/here.spool")
    }

    @Test("the call goes on, what is said is on the disk at once, and in the journal when the store is back")
    func outage() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        rig.switched.isAway = true
        await line.hears("While it was away", item: "p1")
        await rig.loop.advance(by: .seconds(1))
        while try await spooled(in: rig).isEmpty { await Task.yield() }
        #expect(try await spooled(in: rig).count == 1)
        #expect(try await rig.turns(claims).isEmpty)
        rig.switched.isAway = false
        while try await rig.turns(claims).isEmpty { await rig.loop.advance(by: .milliseconds(100)) }
        #expect(try await rig.turns(claims).map(\.text) == ["While it was away"])
        while try await !spooled(in: rig).isEmpty { await Task.yield() }
        #expect(!transport.story.lines.contains { if case .closed = $0 { true } else { false } })
        await rig.supervisor.stop()
    }

    @Test("the spool is emptied when the last of several commits has carried what it holds")
    func manyCommits() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        rig.switched.isAway = true
        // More than one commit takes.
        for number in 0..<300 { await line.hears("turn \(number)", item: "p\(number)") }
        await rig.loop.advance(by: .seconds(1))
        while try await spooled(in: rig).count < 300 { await Task.yield() }
        rig.switched.isAway = false
        while try await rig.turns(claims).count < 300 { await rig.loop.advance(by: .milliseconds(100)) }
        while try await !spooled(in: rig).isEmpty { await Task.yield() }
        await rig.supervisor.stop()
    }

    @Test("an end that is reached while the store is away is spooled, and written when it is back")
    func end() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        rig.switched.isAway = true
        await line.hears("Goodbye", item: "p1")
        await rig.loop.advance(by: .seconds(1))
        while try await spooled(in: rig).isEmpty { await Task.yield() }
        await rig.loop.run { transport.says(.leave) }
        while await rig.supervisor.health().activeSessions > 0 { await rig.loop.advance(by: .milliseconds(100)) }
        #expect(try await rig.row(claims).state == .active)
        rig.switched.isAway = false
        while try await rig.row(claims).state != .ended { await Task.yield() }
        let row = try await rig.row(claims)
        #expect(row.completionReason == .participantLeft)
        #expect(try await rig.turns(claims).map(\.text) == ["Goodbye"])
        await rig.supervisor.stop()
    }

    @Test("what a killed process had spooled is settled at the next start on its folder, once")
    func earlier() async throws {
        let rig = try await Rig(start: false)
        let claims = try await rig.session()
        let dead = try await rig.register("dead")
        guard
            case .claimed(let row) = try await rig.store.claim(
                claims.session, expecting: Ownership(owner: nil, epoch: 0), by: dead, client: "page-1")
        else { throw RigError.refused }
        let turns = (0..<3).map { number in
            JournalRecord(
                session: claims.session, epoch: 1, sequence: Int64(number),
                entry: .turn(
                    Turn(
                        speaker: .participant, item: "i\(number)", text: "turn \(number)", startMilliseconds: 0,
                        endMilliseconds: 1)))
        }
        // The first had been committed: only its answer was lost.
        try await rig.store.append([turns[0]], as: row.ownership)
        do {
            let file = SpoolFile(folder: rig.stateFolder, instance: dead)
            try await file.append(turns.map { .record($0, holder: row.ownership) })
            try await file.append([
                .change(
                    claims.session, holder: row.ownership,
                    .ended(EndEntry(reason: .completed), sequence: 3, activeMilliseconds: 5, costMicros: 0))
            ])
            await file.close()
        }
        await rig.supervisor.start(mediaAddress: "127.0.0.1:1")
        #expect(try await rig.turns(claims).map(\.text) == ["turn 0", "turn 1", "turn 2"])
        #expect(try await rig.row(claims).completionReason == .completed)
        #expect(try await SpoolFile(folder: rig.stateFolder, instance: Rig.here).adopt().isEmpty)
        await rig.supervisor.stop()
    }

    @Test("a store that is away at the start: nobody is let in before what a predecessor spooled is settled")
    func settledFirst() async throws {
        let rig = try await Rig(start: false)
        let claims = try await rig.session()
        let dead = try await rig.register("dead")
        guard
            case .claimed(let row) = try await rig.store.claim(
                claims.session, expecting: Ownership(owner: nil, epoch: 0), by: dead, client: "page-1")
        else { throw RigError.refused }
        let records = (0..<300).map { number in
            JournalRecord(
                session: claims.session, epoch: 1, sequence: Int64(number),
                entry: .turn(
                    Turn(
                        speaker: .participant, item: "i\(number)", text: "turn \(number)", startMilliseconds: 0,
                        endMilliseconds: 1)))
        }
        let file = SpoolFile(folder: rig.stateFolder, instance: dead)
        try await file.append(records.map { .record($0, holder: row.ownership) })
        await file.close()
        rig.switched.isAway = true
        await rig.supervisor.start(mediaAddress: "127.0.0.1:1")
        rig.switched.isAway = false
        while true {
            if case .welcome = await rig.supervisor.admit(claims, probing: true) { break }
            await Task.yield()
        }
        #expect(try await rig.turns(claims).count == 300)
        #expect(try await rig.store.lateJournal(of: claims.session).isEmpty)
        await rig.supervisor.stop()
    }
}
