import Foundation
import Testing
import WireFormats
@Suite struct ZBench {
    @Test func speed() throws {
        let n = 200_000
        for samples in [480, 2_048] {
            let pcm = (0..<samples).map { Int16(truncatingIfNeeded: $0 &* 7919) }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
            var used = 0
            let c = ContinuousClock()
            let t = c.measure { for _ in 0..<n { used &+= pcm.withUnsafeBufferPointer { OpenAIAudioAppend.encode($0, into: buffer) } } }
            print("BENCH append", samples, t / n, used)
            let b64 = pcm.withUnsafeBytes { Data($0).base64EncodedString() }
            let msg = Array(#"{"type": "response.output_audio.delta", "event_id": "event_4566", "response_id": "resp_abcdefghijklmnopqrst", "item_id": "item_abcdefghijklmnopqrst", "output_index": 0, "content_index": 0, "delta": "\#(b64)"}"#.utf8)
            var deltas = PCMDeltas()
            var total = 0
            let s = c.measure { for _ in 0..<n { msg.withUnsafeBytes { if case .audioDelta(let d)? = try? OpenAIServerEvent.decode($0) { total &+= d.sound.count } } } }
            print("BENCH scan", samples, s / n, total)
            let u = c.measure { for _ in 0..<n { msg.withUnsafeBytes { raw in if case .audioDelta(let d)? = try? OpenAIServerEvent.decode(raw) { total &+= (try? deltas.decode(UnsafeRawBufferPointer(rebasing: raw[d.sound])).count) ?? 0 } } } }
            print("BENCH delta", samples, u / n, total)
        }
        let t = Array(#"{"type":"response.output_audio_transcript.delta","event_id":"event_5","response_id":"resp_abcdefghijklmnopqrst","item_id":"item_abcdefghijklmnopqrst","output_index":0,"content_index":0,"delta":"Hello"}"#.utf8)
        let x = ContinuousClock().measure { for _ in 0..<20_000 { _ = t.withUnsafeBytes { try? OpenAIServerEvent.decode($0) } } }
        print("BENCH transcript delta", x / 20_000)
    }
}
