import Foundation
import InterviewCore
import OggRecorder
import Opus
import Ports
import Testing
import WireFormats

/// Files as other people's programs see them.
@Suite("OggRecorder")
struct RecorderTests {
    private func factory(_ folder: TemporaryFolder) -> OggRecorderFactory {
        OggRecorderFactory(settings: RecorderSettings(folder: folder.path, interval: .milliseconds(50)))
    }

    @Test("both tracks decode to what was said, in ffmpeg as in libopus, and opusinfo finds nothing wrong")
    func decodes() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: "call", epoch: 3, startingAt: 0)
        // The participant as a browser would encode, the agent as we do, from 1.5 s on.
        let said = try packets(
            voice(seconds: 10, rate: 48_000), rate: 48_000, settings: OpusEncoderSettings(application: .voip))
        let answered = try packets(voice(seconds: 6, rate: 24_000, seed: 5), rate: 24_000)
        for (index, packet) in said.enumerated() { recorder.participant(packet, at: Int64(index) * 960) }
        for (index, packet) in answered.enumerated() { recorder.agent(packet, at: 72_000 + Int64(index) * 960) }
        await recorder.finish(at: 480_000)
        #expect(!recorder.failed)

        let file = try #require(folder.files("call").first)
        #expect(folder.files("call").count == 1)
        #expect(file.hasSuffix("/000003-000000.ogg"))
        let contents = OggContents(folder.bytes(file))
        #expect(contents.tornBytes == 0)
        #expect(contents.tracks.map { $0.tags?["TITLE"] } == ["participant", "agent"])
        #expect(contents.tracks.map { $0.tags?["VOICED_EPOCH"] } == ["3", "3"])
        #expect(contents.tracks.map { $0.tags?["VOICED_PART"] } == ["0", "0"])
        #expect(contents.tracks.map { $0.tags?["VOICED_START"] } == ["0", "0"])
        #expect(contents.tracks.map(\.length) == [480_000, 480_000])
        #expect(contents.tracks.allSatisfy { $0.ended })
        #expect(contents.tracks[0].packets.prefix(500).map(\.bytes) == said)
        #expect(contents.tracks[1].packets[75..<375].map(\.bytes) == answered)

        for (index, track) in contents.tracks.enumerated() {
            let skip = Int(track.head.preSkip)
            let whole = try decode(track.packets.map(\.bytes))
            let reference = whole[skip..<skip + 480_000]
            let heard = try ffmpeg(file, track: index, decoder: "libopus")
            #expect(heard.count == 480_000)
            #expect(decibels(heard[...], against: Array(reference)[...]) > 60)
            // ffmpeg's own decoder is another implementation; its SILK is resampled in another way.
            let other = try ffmpeg(file, track: index, decoder: "opus")
            #expect(other.count == 480_000)
            #expect(decibels(other[...], against: Array(reference)[...]) > (index == 0 ? 10 : 30))
        }
        // The agent's sound lies where it was played: sample by sample what was spoken.
        let agent = try ffmpeg(file, track: 1, decoder: "libopus")
        #expect(agent[..<71_000].allSatisfy { $0 == 0 })

        let info = String(decoding: try run("opusinfo", [file], all: true), as: UTF8.self)
        #expect(!info.lowercased().contains("warning"))
        #expect(info.components(separatedBy: "Playback length: 0m:10.000s").count == 3)
        let probe = String(
            decoding: try run(
                "ffprobe", ["-v", "error", "-show_entries", "stream=codec_name,channels", "-of", "csv=p=0", file],
                all: true),
            as: UTF8.self)
        #expect(probe == "opus,1\nopus,1\n")
    }

    @Test("packets of 10, 20, 40 and 60 ms of any mode lie one after the other", arguments: [10, 20, 40, 60])
    func lengths(milliseconds: Int) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: "call", epoch: 1, startingAt: 96_000)
        var position: Int64 = 96_000
        var sent: [[UInt8]] = []
        for (index, application) in OpusEncoderSettings.Application.allCases.enumerated() {
            let settings = OpusEncoderSettings(application: application, bitrate: 12_000 + 20_000 * index)
            for packet in try packets(
                voice(seconds: 2.4, rate: 48_000), rate: 48_000, milliseconds: milliseconds, settings: settings)
            {
                recorder.participant(packet, at: position)
                position += Int64(milliseconds) * 48
                sent.append(packet)
            }
        }
        await recorder.finish(at: position)
        let file = try #require(folder.files("call").first)
        let track = OggContents(folder.bytes(file)).tracks[0]
        #expect(track.packets.prefix(sent.count).map(\.bytes) == sent)
        #expect(track.tags?["VOICED_START"] == "96000")
        let heard = try ffmpeg(file, track: 0, decoder: "libopus")
        #expect(heard.count == Int(position - 96_000))
        let info = String(decoding: try run("opusinfo", [file], all: true), as: UTF8.self)
        #expect(!info.lowercased().contains("warning"))
    }

    @Test("parts of at most a minute add up to the conversation, each plays by itself")
    func parts() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: "call", epoch: 12, startingAt: 0)
        let speech = try packets(voice(seconds: 10, rate: 24_000), rate: 24_000)
        let seconds = 150
        for index in 0..<seconds * 50 {
            recorder.participant(speech[index % speech.count], at: Int64(index) * 960)
            if index % 1_000 < 300 { recorder.agent(speech[index % speech.count], at: Int64(index) * 960 + 333) }
        }
        await recorder.finish(at: Int64(seconds) * 48_000)
        let files = folder.files("call")
        #expect(files.map { String($0.suffix(17)) } == (0..<3).map { "000012-00000\($0).ogg" })
        var end: Int64 = 0
        var packetsBack: [[UInt8]] = []
        for file in files {
            let contents = OggContents(folder.bytes(file))
            #expect(contents.tracks.map { $0.tags?["VOICED_START"] } == ["\(end)", "\(end)"])
            let length = contents.tracks[0].length
            #expect(length <= 60 * 48_000)
            #expect(contents.tracks[1].length == length)
            #expect(try ffmpeg(file, track: 0, decoder: "libopus").count == Int(length))
            #expect(try ffmpeg(file, track: 1, decoder: "libopus").count == Int(length))
            packetsBack += contents.tracks[0].packets.filter { $0.bytes.count > 3 }.map(\.bytes)
            end += length
            let info = String(decoding: try run("opusinfo", [file], all: true), as: UTF8.self)
            #expect(!info.lowercased().contains("warning"))
        }
        #expect(end == Int64(seconds) * 48_000)
        #expect(packetsBack == (0..<seconds * 50).map { speech[$0 % speech.count] }.filter { $0.count > 3 })
    }

    @Test("after a kill the file plays up to what was written, cut at any of 50 random bytes")
    func killed() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = factory(folder)
        let recorder = try #require(maker.open(session: "call", epoch: 1, startingAt: 0) as? OggPartRecorder)
        let speech = try packets(voice(seconds: 20, rate: 24_000), rate: 24_000)
        for (index, packet) in speech.enumerated() {
            recorder.participant(packet, at: Int64(index) * 960)
            if index > 200 { recorder.agent(packet, at: Int64(index) * 960) }
            if index % 50 == 49 { await recorder.settle() }
        }
        await recorder.settle()
        let file = try #require(folder.files("call").first)
        let bytes = folder.bytes(file)
        let whole = OggContents(bytes)
        // Nothing that was settled is missing, though the file has no end.
        #expect(whole.tornBytes == 0)
        #expect(whole.tracks.map(\.packets.count) == [1_000, 1_000])
        #expect(whole.tracks.allSatisfy { !$0.ended })
        #expect(try ffmpeg(file, track: 0, decoder: "libopus").count == 20 * 48_000 - 312)

        let headers = bytes.count / 20
        for round in 0..<50 {
            let length = Int.random(in: headers...bytes.count)
            let path = folder.path + "/cut\(round).ogg"
            try Data(bytes[..<length]).write(to: URL(fileURLWithPath: path))
            let contents = OggContents(Array(bytes[..<length]))
            #expect(contents.tornBytes < OggPage.longest)
            for (index, track) in contents.tracks.enumerated() where round % 5 == 0 {
                // ffmpeg plays the same.
                let heard = try ffmpeg(path, track: index, decoder: "libopus")
                #expect(heard.count == Int(track.length))
            }
            for (index, track) in contents.tracks.enumerated() {
                let expected = whole.tracks[index].packets.prefix(track.packets.count)
                #expect(track.packets.map(\.bytes) == expected.map(\.bytes))
            }
        }
        await recorder.finish(at: 0)
    }

    @Test("without any further call what was given is on the disk within the interval")
    func flushesByItself() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = factory(folder)
        let recorder = maker.open(session: "call", epoch: 1, startingAt: 0)
        recorder.participant(OpusPacket.silence, at: 0)
        for _ in 0..<500 where folder.files("call").isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        let file = try #require(folder.files("call").first)
        for _ in 0..<500 where OggContents(folder.bytes(file)).tracks.first?.packets.isEmpty != false {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(OggContents(folder.bytes(file)).tracks[0].packets.count == 1)
        await recorder.finish(at: 960)
    }

    @Test("files are private, nothing is overwritten, a restarted session of the same epoch goes on counting parts")
    func names() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path + "/deep/down"))
        for round in 0..<3 {
            let recorder = maker.open(session: "call", epoch: 7, startingAt: Int64(round) * 48_000)
            recorder.agent(OpusPacket.silence, at: Int64(round) * 48_000)
            await recorder.finish(at: Int64(round) * 48_000 + 960)
            #expect(!recorder.failed)
        }
        let files = folder.files("deep/down/call")
        #expect(files.map { String($0.suffix(17)) } == (0..<3).map { "000007-00000\($0).ogg" })
        #expect(files.map { OggContents(folder.bytes($0)).tracks.first?.tags?["VOICED_PART"] } == ["0", "1", "2"])
        #expect(files.map { folder.mode($0) } == [0o600, 0o600, 0o600])
        #expect(folder.mode(folder.path + "/deep/down/call") == 0o700)
        #expect(folder.mode(folder.path + "/deep/down") == 0o700)
    }

    @Test("a recorder that is let go without an end is ended where its sound ends")
    func abandoned() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = factory(folder)
        do {
            let recorder = maker.open(session: "call", epoch: 1, startingAt: 0)
            for index in 0..<50 { recorder.agent(OpusPacket.silence, at: Int64(index) * 960) }
        }
        let next = maker.open(session: "other", epoch: 1, startingAt: 0)
        await next.finish(at: 0)
        let contents = OggContents(folder.bytes(try #require(folder.files("call").first)))
        #expect(contents.tracks.map(\.length) == [48_000, 48_000])
        #expect(contents.tracks.map(\.ended) == [true, true])
        #expect(folder.files("other").isEmpty)
    }

    @Test("after the end nothing is taken any more, and a second end returns")
    func ended() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: "call", epoch: 1, startingAt: 0)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.finish(at: 4_800)
        let file = try #require(folder.files("call").first)
        let before = folder.bytes(file)
        recorder.agent(OpusPacket.silence, at: 4_800)
        await recorder.finish(at: 96_000)
        #expect(folder.bytes(file) == before)
    }

    @Test("what is no Opus packet is left out, and its time is silence")
    func garbage() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: "call", epoch: 1, startingAt: 0)
        recorder.participant(OpusPacket.silence, at: 0)
        recorder.participant([0xFB, 0x00], at: 960)
        recorder.participant([], at: 1_920)
        recorder.participant([0xF8, 1, 2, 3], at: 2_880)
        await recorder.finish(at: 3_840)
        #expect(!recorder.failed)
        let track = OggContents(folder.bytes(try #require(folder.files("call").first))).tracks[0]
        #expect(track.packets[3].bytes == [0xF8, 1, 2, 3])
        #expect(track.packets[3].start == 2_880)
    }

    @Test("a folder that cannot be written makes the recording fail and nothing else")
    func unwritable() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try Data("a file".utf8).write(to: URL(fileURLWithPath: folder.path + "/taken"))
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path + "/taken"))
        let recorder = try #require(maker.open(session: "call", epoch: 1, startingAt: 0) as? OggPartRecorder)
        #expect(!recorder.failed)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.settle()
        #expect(recorder.failed)
        for index in 1..<10_000 { recorder.agent(OpusPacket.silence, at: Int64(index) * 960) }
        await recorder.finish(at: 9_600_000)
        #expect(recorder.failed)
    }

    @Test("an id that could leave the folder is refused", arguments: ["../evil", "", "a/b", "a b"])
    func badSession(id: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let recorder = factory(folder).open(session: id, epoch: 1, startingAt: 0)
        #expect(recorder.failed)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.finish(at: 960)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}

/// A disk that is full, which takes a file system of our own.
@Suite("OggRecorder on a full disk", .enabled(if: FullDisk.isPossible, "needs to mount a tmpfs"))
struct FullDiskTests {
    @Test("what was written before stays whole, and when there is room again the next part is written")
    func fullDisk() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let disk = folder.path + "/disk"
        try FullDisk.mount(disk)
        defer { FullDisk.unmount(disk) }
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: disk))
        let recorder = try #require(maker.open(session: "call", epoch: 1, startingAt: 0) as? OggPartRecorder)
        let packet = [UInt8](repeating: 0x11, count: 400).enumerated().map { $0.offset == 0 ? 0xF8 : $0.element }
        var seconds: Int64 = 0
        while !recorder.failed, seconds < 50 {
            for index in 0..<50 { recorder.participant(packet, at: seconds * 48_000 + Int64(index) * 960) }
            seconds += 1
            await recorder.settle()
        }
        #expect(recorder.failed)
        #expect((5..<20).contains(seconds))
        let file = try #require(folder.files("disk/call").first)
        let contents = OggContents(folder.bytes(file))
        #expect(contents.tornBytes == 0)
        #expect(contents.tracks[0].packets.count == Int(seconds - 1) * 50)

        try FileManager.default.removeItem(atPath: file)
        recorder.participant(packet, at: 61 * 48_000)
        await recorder.finish(at: 62 * 48_000)
        let next = try #require(folder.files("disk/call").first)
        #expect(next.hasSuffix("000001-000001.ogg"))
        #expect(OggContents(folder.bytes(next)).tracks.allSatisfy { $0.ended })
    }
}

enum FullDisk {
    static let isPossible: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        defer { folder.remove() }
        guard (try? mount(folder.path + "/probe")) != nil else { return false }
        unmount(folder.path + "/probe")
        return true
    }()

    static func mount(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        _ = try run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", path])
    }
    static func unmount(_ path: String) { _ = try? run("umount", ["-l", path]) }
}
