extension RealtimeSession {
    func updateSession(_ patch: JSON) throws(ClientError) {
        let before = configuration
        try configuration.apply(patch, voiceIsFixed: audioWasOutput)
        if configuration.inputFormat != before.inputFormat { input.change(to: configuration.inputFormat) }
        if configuration.turnDetection != before.turnDetection || configuration.inputFormat != before.inputFormat {
            // A turn that is being spoken belongs to the old settings; with the new ones listening begins anew.
            speaking = nil
            detector = configuration.turnDetection.map {
                EnergyDetector(rate: input.format.rate, settings: $0, position: input.position)
            }
            restartIdleTimer(after: .zero)
        }
        record(
            .sessionUpdated,
            [
                "turn_detection": configuration.document["audio"]?["input"]?["turn_detection"] ?? .null,
                "transcription": configuration.document["audio"]?["input"]?["transcription"] ?? .null,
                "voice": configuration.voice,
                "instructions_bytes":
                    .integer(configuration.document["instructions"]?.string?.utf8.count ?? 0),
                "tools": .array((configuration.document["tools"]?.array ?? []).map { $0["name"] ?? .null }),
                "output_modalities": configuration.document["output_modalities"] ?? .null,
            ])
        send("session.updated", ["session": sessionJSON])
    }
}
