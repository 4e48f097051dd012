import Foundation
import InterviewCore
import OggRecorder
import Opus
import Ports
import Testing
import WireFormats

@Suite("JoinPlan")
struct JoinPlanTests {
    private static let minute: Int64 = 60 * 48_000

    private func part(
        _ epoch: Int64, _ number: Int, from start: Int64, length: Int64 = minute, isWhole: Bool = true
    ) -> PartFacts {
        PartFacts(
            name: PartName(session: "s", epoch: epoch, number: number), path: "p", start: start, length: length,
            isWhole: isWhole)
    }
    private func spans(_ plan: JoinPlan) -> [[Int64]] { plan.stretches.map { [$0.part.start, $0.end] } }

    @Test("parts that follow each other leave nothing to say")
    func plain() {
        let plan = JoinPlan([part(1, 1, from: Self.minute), part(1, 0, from: 0)])
        #expect(spans(plan) == [[0, Self.minute], [Self.minute, 2 * Self.minute]])
        #expect(plan.findings == [])
        #expect(plan.length == 2 * Self.minute)
    }

    @Test("a part that is missing is named, and its time is silent")
    func missing() {
        let plan = JoinPlan([part(1, 0, from: 0), part(1, 3, from: 3 * Self.minute)])
        #expect(plan.findings == [.missing(epoch: 1, parts: 1...2), .gap(from: Self.minute, to: 3 * Self.minute)])
        #expect(plan.length == 4 * Self.minute)
        #expect(
            JoinPlan([part(2, 1, from: Self.minute)]).findings
                == [.missing(epoch: 2, parts: 0...0), .gap(from: 0, to: Self.minute)])
    }

    @Test("the next owner's recording replaces the last one's from where it goes on")
    func replaced() {
        let plan = JoinPlan([
            part(1, 0, from: 0), part(1, 1, from: Self.minute, length: 480_000, isWhole: false),
            part(2, 0, from: Self.minute - 48_000),
        ])
        #expect(spans(plan) == [[0, Self.minute - 48_000], [Self.minute - 48_000, 2 * Self.minute - 48_000]])
        let end = Self.minute + 480_000
        let expected: [JoinPlan.Finding] = [
            .replaced(epoch: 1, from: Self.minute - 48_000, to: end),
            .cut(PartName(session: "s", epoch: 1, number: 1), at: end),
        ]
        #expect(plan.findings == expected)
    }

    @Test("an owner between two others that goes on earlier than the first replaces the first too")
    func threeOwners() {
        let plan = JoinPlan([
            part(1, 0, from: 0), part(2, 0, from: 50 * 48_000, length: 10), part(3, 0, from: 30 * 48_000),
        ])
        let expected: [[Int64]] = [[0, 1_440_000], [1_440_000, 4_320_000]]
        #expect(spans(plan) == expected)
    }

    @Test("tags that cannot be true do not make a file of days")
    func absurd() {
        let late = part(1, 1, from: .max - 5)
        let plan = JoinPlan([part(1, 0, from: 0), late, part(1, 2, from: -1), part(1, 3, from: 9, length: .max)])
        #expect(spans(plan) == [[0, Self.minute]])
        #expect(plan.findings.count { if case .absurd = $0 { true } else { false } } == 3)
    }

    @Test("a part that begins before the one in front of it is left out")
    func misplaced() {
        let plan = JoinPlan([part(1, 0, from: Self.minute), part(1, 1, from: 0)])
        #expect(plan.findings.contains(.misplaced(PartName(session: "s", epoch: 1, number: 1))))
        #expect(plan.stretches.map(\.part.name.number) == [0])
    }

    @Test("names are read back, others are none", arguments: ["000001-000000.ogg", "1234567-000012.ogg"])
    func names(file: String) throws {
        let name = try #require(PartName(session: "s", file: file))
        #expect(name.file == file)
        #expect(name.key?.text == "recordings/s/\(file)")
        for other in ["x\(file)", "\(file).tmp", "1-2.ogg", "000001.ogg", "-00001-000000.ogg", "00000١-000000.ogg"] {
            #expect(PartName(session: "s", file: other) == nil)
        }
        #expect(PartName(session: "../s", file: file) == nil)
    }
}

@Suite("RecordingJoin")
struct JoinTests {
    private func join(_ folder: TemporaryFolder, replace: Bool = false) throws -> RecordingJoin.Report {
        try RecordingJoin.join(
            session: "call", folders: [folder.path + "/call"], output: folder.path + "/joined.ogg", replace: replace)
    }

    @Test("parts, a gap between owners and a cut end become one file that decodes to what was said, where it was said")
    func decodes() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path))
        let speech = try packets(
            voice(seconds: 10, rate: 48_000), rate: 48_000, settings: OpusEncoderSettings(application: .voip))
        let agent = try packets(voice(seconds: 8, rate: 24_000, seed: 3), rate: 24_000)
        // The first owner: 130 s in three parts; the agent speaks off the grid of the participant's frames.
        let first = maker.open(session: "call", epoch: 1, startingAt: 0)
        for index in 0..<130 * 50 {
            first.participant(speech[index % speech.count], at: Int64(index) * 960)
            if index % 1_000 < 400 { first.agent(agent[index % agent.count], at: Int64(index) * 960 + 333) }
        }
        await first.finish(at: 130 * 48_000)
        // The second begins 15 s later and is cut off.
        let second = try #require(maker.open(session: "call", epoch: 2, startingAt: 145 * 48_000) as? OggPartRecorder)
        for index in 0..<500 { second.participant(speech[index], at: (145 + 5) * 48_000 + Int64(index) * 960) }
        await second.settle()
        let report = try join(folder)
        #expect(report.length == 160 * 48_000)
        #expect(report.parts == 4)
        #expect(
            report.findings.contains(.gap(from: 130 * 48_000, to: 145 * 48_000)))
        #expect(report.findings.contains { if case .cut = $0 { true } else { false } })
        #expect(report.findings.count == 2)

        let path = folder.path + "/joined.ogg"
        let contents = OggContents(folder.bytes(path))
        #expect(contents.tracks.map(\.length) == [160 * 48_000, 160 * 48_000])
        #expect(contents.tracks.map { $0.tags?["TITLE"] } == ["participant", "agent"])
        let said = contents.tracks[0].packets.filter { $0.bytes.count > 3 }
        let loud = (0..<130 * 50).filter { speech[$0 % speech.count].count > 3 }
        let places = loud.map { Int64($0) * 960 }
        #expect(said.prefix(loud.count).map(\.start) == places)
        let later = said.dropFirst(loud.count).map(\.start)
        let expected = (0..<500).filter { speech[$0].count > 3 }.map { 7_200_000 + Int64($0) * 960 }
        #expect(later == expected)
        let answered = contents.tracks[1].packets.filter { $0.bytes.count > 3 }
        // Silence comes in steps of 2.5 ms: what is placed between two of them is under one step early.
        for packet in answered {
            let phase = (packet.start % (1_000 * 960)) % 960
            #expect(phase <= 333 && phase > 333 - 120)
        }

        let heard = try ffmpeg(path, track: 0, decoder: "libopus")
        #expect(heard.count == 160 * 48_000)
        let reference = try decode(said.prefix(loud.count).map(\.bytes))
        #expect(!reference.isEmpty)
        #expect(heard[131 * 48_000..<149 * 48_000].allSatisfy { $0 == 0 })
        #expect(heard[150 * 48_000..<152 * 48_000].contains { abs(Int($0)) > 1_000 })
        #expect(try ffmpeg(path, track: 1, decoder: "libopus").count == 160 * 48_000)
        let info = String(decoding: try run("opusinfo", [path], all: true), as: UTF8.self)
        #expect(!info.lowercased().contains("warning"))
        #expect(info.components(separatedBy: "Playback length: 2m:40.000s").count == 3)
        await second.finish(at: 160 * 48_000)
    }

    @Test("sound across parts is the same, sample by sample, as if there were no parts")
    func seamless() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path))
        let speech = try packets(voice(seconds: 130, rate: 24_000), rate: 24_000)
        let recorder = maker.open(session: "call", epoch: 1, startingAt: 0)
        for (index, packet) in speech.enumerated() { recorder.agent(packet, at: Int64(index) * 960) }
        await recorder.finish(at: Int64(speech.count) * 960)
        #expect(folder.files("call").count == 3)
        #expect(try join(folder).findings == [])
        let heard = try ffmpeg(folder.path + "/joined.ogg", track: 1, decoder: "libopus")
        let whole = try decode(speech)
        // 120: the pre-skip, which the player takes off.
        #expect(decibels(heard[..<(heard.count - 960)], against: whole[120...]) > 60)
    }

    @Test("an existing file is kept unless it is to be replaced, and a failure leaves no file")
    func output() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path))
        let recorder = maker.open(session: "call", epoch: 1, startingAt: 0)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.finish(at: 48_000)
        let path = folder.path + "/joined.ogg"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: RecordingJoin.Failure.exists(path: path)) { try join(folder) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        #expect(try join(folder, replace: true).length == 48_000)
        #expect(OggContents(folder.bytes(path)).tracks.count == 2)
        #expect(throws: RecordingJoin.Failure.self) {
            try RecordingJoin.join(
                session: "call", folders: [folder.path + "/call"], output: folder.path + "/no/where.ogg",
                replace: false)
        }
        #expect(throws: RecordingJoin.Failure.nothing(folders: [folder.path + "/other"])) {
            try RecordingJoin.join(
                session: "other", folders: [folder.path + "/other"], output: folder.path + "/o.ogg", replace: false)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/o.ogg"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["call", "joined.ogg"])
    }

    @Test("files that are no parts are named and leave the rest alone")
    func strangers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path))
        let recorder = maker.open(session: "call", epoch: 1, startingAt: 0)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.finish(at: 48_000)
        try Data("no sound".utf8).write(to: URL(fileURLWithPath: folder.path + "/call/000002-000000.ogg"))
        try Data().write(to: URL(fileURLWithPath: folder.path + "/call/000003-000000.ogg"))
        try Data("notes".utf8).write(to: URL(fileURLWithPath: folder.path + "/call/notes.txt"))
        let report = try join(folder)
        #expect(report.parts == 1)
        #expect(report.findings.count == 2)
    }
}
