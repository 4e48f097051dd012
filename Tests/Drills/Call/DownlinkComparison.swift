import ParticipantLoad

/// Compares the packets that a participant received, item by item, with an offline encode of what the provider said: a
/// new encoder for each item, whole 20 ms frames, the last filled with silence.
struct DownlinkComparison {
    private(set) var items = 0
    private(set) var packets = 0
    private(set) var differing = 0
    /// Items whose number of packets is another.
    private(set) var wrongCounts: [String] = []

    init(
        received: [ParticipantReport.Downlink], order: [String], said: [[Int16]], encoder: VoiceEncoderSettings
    ) throws {
        var byItem: [String: [[UInt8]]] = [:]
        for packet in received {
            guard let item = packet.item else { continue }
            byItem[item, default: []].append(packet.payload)
        }
        let heard = order.filter { byItem[$0] != nil }
        if heard.count != said.count { wrongCounts.append("\(heard.count) items heard, \(said.count) said") }
        for (item, samples) in zip(heard, said) {
            let wanted = try Self.encode(samples, encoder)
            let got = byItem[item] ?? []
            items += 1
            packets += got.count
            if got.count != wanted.count { wrongCounts.append("\(got.count) packets for \(wanted.count)") }
            differing += zip(got, wanted).count { $0 != $1 }
        }
    }

    var isEqual: Bool { items > 0 && differing == 0 && wrongCounts.isEmpty }

    private static func encode(_ samples: [Int16], _ settings: VoiceEncoderSettings) throws -> [[UInt8]] {
        let frame = UplinkComparison.samplesPerFrame
        var padded = samples
        if padded.count % frame > 0 { padded += Array(repeating: 0, count: frame - padded.count % frame) }
        let frames = stride(from: 0, to: padded.count, by: frame).map { Array(padded[$0..<$0 + frame]) }
        return try VoiceEncoder.encode(frames, rate: PreparedVoice.pcmRate, settings)
    }
}
