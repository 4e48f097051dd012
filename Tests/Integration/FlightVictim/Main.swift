import EventLoops
import FlightRecording
import Foundation
import InterviewCore
import Ports

/// Two loops with sessions on them, to die in a way of the test's choosing.
///
///     flight-victim FOLDER WAY
///
/// Prints `ready` before it dies; with `wait` it waits to be killed, `poison` in hand.
@main
struct FlightVictim {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let poison = SessionID("poison-1"), let other = SessionID("healthy-1") else {
            exit(2)
        }
        let recorder = try MappedFlightRecorder(
            folder: arguments[1], instance: InstanceID("victim"), loops: 2, places: 4)
        let loops = try (0..<2).map { try EventLoop(index: $0) }
        for loop in loops {
            loop.flight = recorder.loop(loop.index)
            loop.start()
        }
        let healthy = recorder.seated(other, onLoop: 0)
        let sick = recorder.seated(poison, onLoop: 1)
        // Has a session in hand all the time, and dies of nothing.
        loops[0].post { healthy.within(.provider) { Thread.sleep(forTimeInterval: 60) } }
        switch arguments[2] {
        case "trap": loops[1].post { sick.within(.participant) { trap() } }
        case "overflow": loops[1].post { sick.within(.tick) { say("\(deeper(1))") } }
        case "abort": loops[1].post { sick.within(.timer) { () -> Void in abort() } }
        case "null": loops[1].post { sick.within(.mailbox) { readNowhere() } }
        case "nested":
            loops[1].post {
                sick.within(.tick) {
                    sick.within(.provider) {}
                    trap()
                }
            }
        case "after":
            loops[1].post {
                sick.within(.participant) {}; trap()
            }
        case "forgotten":
            // Entered and never left, as a call that suspends: the next piece of work is nobody's.
            loops[1].post { _ = sick.enter(.mailbox) }
            loops[1].post { trap() }
        case "elsewhere":
            loops[1].post { sick.within(.participant) { Thread.sleep(forTimeInterval: 60) } }
            trap()
        case "wait":
            loops[1].post {
                sick.within(.participant) {
                    say("ready"); Thread.sleep(forTimeInterval: 60)
                }
            }
        case "exit": loops[1].post { sick.within(.participant) { () -> Void in exit(0) } }
        case "close":
            recorder.close()
            exit(0)
        default: exit(2)
        }
        try await Task.sleep(for: .seconds(60))
    }

    private static func trap() {
        say("ready")
        preconditionFailure("the victim's own")
    }

    @inline(never)
    private static func deeper(_ depth: Int) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 16) { room in
            room[depth & 1_023] = 1
            return deeper(depth &+ 1) &+ Int(room[(depth &+ 7) & 1_023])
        }
    }

    private static func readNowhere() {
        let nowhere = UnsafePointer<Int>(bitPattern: CommandLine.arguments.count * 8)
        say("\(nowhere?.pointee ?? 0)")
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
}
