import Foundation
import Testing
import WireFormats

@Suite("OpenAIClientEvent")
struct OpenAIClientEventTests {
    static let session = OpenAISession(
        instructions: "You interview people.\nBe \"kind\".", noiseReduction: .nearField,
        transcription: OpenAITranscription(model: "gpt-transcribe", language: "pt"),
        turnDetection: .server(OpenAITurnDetection.Server(threshold: 0.6, prefixMilliseconds: 300)), voice: "marin",
        tools: [
            OpenAITool(
                name: "end_interview", description: "Ends the interview.",
                parameters: #"{"type":"object","properties":{"reason":{"type":"string"}},"required":[]}"#)
        ],
        maxOutputTokens: 1_024, truncation: .retention(ratio: 0.8, postInstructions: 16_000))

    static let bare = OpenAISession(
        instructions: "", inputFormat: .pcmu, outputFormat: .pcma, turnDetection: nil, voice: "cedar",
        toolChoice: .function("end_interview"), truncation: .disabled)

    static let semantic = OpenAISession(
        instructions: "", noiseReduction: .farField, transcription: OpenAITranscription(model: "whisper-1"),
        turnDetection: .semantic(
            OpenAITurnDetection.Semantic(eagerness: .low, createResponse: false, interruptResponse: false)),
        voice: "alloy", toolChoice: .required)

    static let events: [(String, OpenAIClientEvent, String?)] = [
        ("client-session-update", .sessionUpdate(session), "setup"),
        ("client-session-update-bare", .sessionUpdate(bare), nil),
        ("client-session-update-semantic", .sessionUpdate(semantic), nil),
        ("client-input-commit", .inputCommit, nil),
        ("client-input-clear", .inputClear, nil),
        ("client-item-create-system", .itemCreate(OpenAIItem(id: "ctx_0", .system("They resume."))), "setup"),
        ("client-item-create-user", .itemCreate(OpenAIItem(.user("Olá — “sim”"))), nil),
        ("client-item-create-assistant", .itemCreate(OpenAIItem(.assistant("And then?")), after: "root"), nil),
        (
            "client-item-create-call",
            .itemCreate(OpenAIItem(.functionCall(call: "call_1", name: "end_interview", arguments: "{\"a\":1}"))), nil
        ),
        (
            "client-item-create-output",
            .itemCreate(OpenAIItem(.functionCallOutput(call: "call_1", output: "{\"ok\":true}"))), nil
        ),
        ("client-item-truncate", .itemTruncate(item: "item_7", audioEndMilliseconds: 1_480), nil),
        ("client-item-delete", .itemDelete(item: "item_7"), nil),
        ("client-response-create", .responseCreate(), nil),
        ("client-response-create-greeting", .responseCreate(instructions: "Say hello.\t\u{1}\\"), "answer"),
        ("client-response-cancel", .responseCancel(), nil),
        ("client-response-cancel-one", .responseCancel(response: "resp_3"), nil),
    ]

    @Test("what a client says is, byte by byte of meaning, what the golden files keep", arguments: events.indices)
    func golden(index: Int) throws {
        let (name, event, id) = Self.events[index]
        try GoldenFile(name: name).check(event.encoded(id: id))
    }

    @Test("an append is a valid message of exactly the announced length, whose audio is the samples, little end first")
    func append() throws {
        for count in [0, 1, 2, 3, 480, 481, 960, 24_000] {
            let samples = (0..<count).map { Int16(truncatingIfNeeded: $0 &* 7_919 &- 12_345) }
            let message = Self.append(samples, room: OpenAIAudioAppend.byteCount(samples: count))
            #expect(message.count == OpenAIAudioAppend.byteCount(samples: count))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(message)) as? [String: String])
            #expect(object.keys.sorted() == ["audio", "type"])
            #expect(object["type"] == "input_audio_buffer.append")
            let sound = try #require(Data(base64Encoded: object["audio"] ?? "!"))
            #expect(
                Array(sound) == samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
        }
    }

    @Test("an append that does not fit is not written")
    func appendWithoutRoom() throws {
        let samples = [Int16](repeating: 1, count: 480)
        #expect(Self.append(samples, room: OpenAIAudioAppend.byteCount(samples: 480) - 1).isEmpty)
        try GoldenFile(name: "client-append").check(Self.append([0, 1, -1, .max, .min], room: 200))
    }

    private static func append(_ samples: [Int16], room: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0xEE, count: room)
        let used = samples.withUnsafeBufferPointer { samples in
            buffer.withUnsafeMutableBytes { OpenAIAudioAppend.encode(samples, into: $0) }
        }
        return Array(buffer.prefix(used))
    }

    @Test(
        "tool parameters are one JSON object or refused",
        arguments: [
            (#"{"type":"object"}"#, true), ("{}", true), ("[]", false), ("", false), (#"{"a":"#, false),
            ("{} {}", false),
        ])
    func parameters(json: String, isObject: Bool) {
        #expect(OpenAITool.isObject(json) == isObject)
    }
}
