import Foundation
import LocalDisk
import OggRecorder
import Ports

/// Records three conversations for ever, to be killed at any instant. Its time is not the machine's: fifty frames, then
/// what the recorder does each second, as fast as it goes.
///
///     recording-victim RECORDINGS OBJECTS PACKETS
///
/// `PACKETS`: a file of Opus packets, each behind its length in two bytes. Prints `fed N` before a second is brought to
/// the disk and `kept N` after it; N counts frames.
@main
struct RecordingVictim {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else { exit(2) }
        let packets = try packets(arguments[3])
        let factory = OggRecorderFactory(
            settings: RecorderSettings(folder: arguments[1], interval: .seconds(3_600)),
            objects: FolderObjectStore(folder: arguments[2]))
        let recorders = (0..<3).map { factory.open(session: "call-\($0)", epoch: 1, startingAt: 0) }
        var frame = 0
        while true {
            for _ in 0..<50 {
                for (index, recorder) in recorders.enumerated() {
                    let packet = packets[(frame + index) % packets.count]
                    packet.withUnsafeBytes { recorder.participant($0, at: Int64(frame) * 960) }
                    if frame % 400 < 150 { packet.withUnsafeBytes { recorder.agent($0, at: Int64(frame) * 960) } }
                }
                frame += 1
            }
            say("fed \(frame)")
            await factory.turn()
            say("kept \(frame)")
        }
    }

    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private static func packets(_ path: String) throws -> [[UInt8]] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var packets: [[UInt8]] = []
        var index = 0
        while index + 2 <= bytes.count {
            let length = Int(bytes[index]) | Int(bytes[index + 1]) << 8
            packets.append(Array(bytes[index + 2..<min(index + 2 + length, bytes.count)]))
            index += 2 + length
        }
        return packets
    }
}
