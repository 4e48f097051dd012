import InterviewCore
import NIOPosix
import ParticipantLoad

/// A participant of a drill, made ready: recorded voices that Debian brings, packets kept for comparison.
package struct Caller {
    let participant: Participant
    let voice: PreparedVoice

    /// Recordings without a pause that a voice detector would take for the end of a turn.
    static let english = "\(VoiceLibrary.folders[0].path)/conf-onlyperson.wav"
    static let spanish = "\(VoiceLibrary.folders[1].path)/vm-theperson.wav"
    static let french = "\(VoiceLibrary.folders[2].path)/vm-nobodyavail.wav"
    package static let alsa = "\(VoiceLibrary.alsaFolder)/Front_Center.wav"

    /// `address` nil: the session's own.
    init(
        _ ticket: JoinTicket, up: AudioFormat, recordings: [String], rounds: Int?, address: Address? = nil,
        patience: Duration = .seconds(10)
    ) throws {
        voice = try PreparedVoice(VoiceLibrary.load(recordings), format: up)
        var settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: address ?? ticket.media, up: up, down: .opus,
            style: .turns(
                TurnHabits(thinkMilliseconds: 300...600, patienceMilliseconds: 20_000, rounds: rounds, shuffled: false)),
            seed: 7)
        // Both counters wrap within the first two seconds.
        settings.firstSequence = 65_480
        settings.firstTimestamp = UInt32.max - 40_000
        settings.tokenInHeader = up == .pcm
        settings.keepsPackets = true
        settings.joinPatience = patience
        participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
    }

    /// The payloads that were sent for the first time, in their order.
    func sentPayloads(_ report: ParticipantReport) -> [[UInt8]] {
        report.sent.filter { $0.connection == 0 }.map { voice.payload($0.source) }
    }
}
