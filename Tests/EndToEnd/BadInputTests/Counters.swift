import voice_drill

/// The daemon's counters of what went wrong, by label; what is zero is left out.
struct Counters: Equatable, Sendable {
    var refused: [String: Int] = [:]
    var lost: [String: Int] = [:]
    var providerErrors: [String: Int] = [:]
    var badPackets = 0

    static func read(_ rig: Rig) async throws -> Counters {
        let witness = try await DaemonWitness.read(rig)
        return Counters(
            refused: witness.series("voice_joins_refused_total", by: "code"),
            lost: witness.series("voice_participant_disconnects_total", by: "cause"),
            providerErrors: witness.series("voice_provider_errors_total", by: "error_type"),
            badPackets: Int(witness.metric("voice_audio_bad_packets_total")))
    }

    func since(_ before: Counters) -> Counters {
        func grown(_ now: [String: Int], _ then: [String: Int]) -> [String: Int] {
            now.merging(then) { $0 - $1 }.filter { $0.value != 0 }
        }
        return Counters(
            refused: grown(refused, before.refused), lost: grown(lost, before.lost),
            providerErrors: grown(providerErrors, before.providerErrors), badPackets: badPackets - before.badPackets)
    }
}

extension BadInput.Counted {
    var counters: Counters {
        var counters = Counters()
        switch self {
        case .refused(let code): counters.refused[code] = 1
        case .lost(let cause): counters.lost[cause] = 1
        case .badPackets(let count): counters.badPackets = count
        case .nothing: break
        }
        return counters
    }
}
