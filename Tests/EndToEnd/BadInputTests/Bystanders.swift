import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad
import voice_drill

/// People who talk all the while, in PCM, so that what the simulator heard of them can be compared to the bit.
struct Bystanders {
    let rig: Rig
    private let voice: PreparedVoice
    private let guests: [(participant: Participant, running: Task<ParticipantReport, Never>, connection: Int)]

    static let count = 20

    /// One joins after the other, so that it is known whose provider connection is whose.
    static func join(_ rig: Rig) async throws -> Bystanders {
        let recordings = VoiceLibrary.installed(languages: ["en", "es"]).prefix(12)
        let voice = try PreparedVoice(VoiceLibrary.load(Array(recordings)), format: .pcm)
        var guests: [(Participant, Task<ParticipantReport, Never>, Int)] = []
        for index in 0..<count {
            let before = Set(try await SimulatorWitness.read(rig).connections)
            let ticket = try await rig.createSession()
            var settings = ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media, up: .pcm,
                style: .turns(TurnHabits(thinkMilliseconds: 300...1_200)), seed: UInt64(100 + index))
            settings.firstClip = index
            settings.keepsCapture = true
            let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
            let running = Task { await participant.run() }
            var opened: [Int] = []
            try await eventually("the provider connection of bystander \(index)", within: .seconds(10)) {
                opened = try await SimulatorWitness.read(rig).connections.filter { !before.contains($0) }
                return opened.count == 1
            }
            guests.append((participant, running, opened[0]))
        }
        return Bystanders(rig: rig, voice: voice, guests: guests)
    }

    struct Account {
        var report: ParticipantReport
        var sound: CaptureComparison
    }

    /// Everybody falls silent and leaves; then what each captured is looked for in what was heard of them.
    func leave() async throws -> [Account] {
        for guest in guests { await guest.participant.mute(true) }
        try await eventually("the last frames to be sent", within: .seconds(20)) {
            for guest in guests where await guest.participant.unsent > 0 { return false }
            return true
        }
        try await Task.sleep(for: .seconds(1))
        for guest in guests { await guest.participant.leave() }
        var accounts: [Account] = []
        for guest in guests {
            let report = await guest.running.value
            let captured = report.captured[...]
            let heard = try await SimulatorWitness.read(rig).heard(guest.connection)
            accounts.append(
                Account(
                    report: report,
                    sound: CaptureComparison(
                        frames: CaptureComparison.frames(of: captured, voice), captured: captured, heard: heard)))
        }
        return accounts
    }

    func stop() async { for guest in guests { await guest.participant.stop() } }
}
