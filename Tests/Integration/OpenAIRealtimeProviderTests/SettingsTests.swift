import EventLoops
import Foundation
import InterviewCore
import OpenAIRealtimeProvider
import Ports
import Testing
import Yams

@Suite("OpenAIRealtimeSettings")
struct OpenAIRealtimeSettingsTests {
    private static func settings(_ adjusting: (inout OpenAIRealtimeSettings) -> Void) -> OpenAIRealtimeSettings {
        var settings = OpenAIRealtimeSettings(apiKey: APIKey("sk-very-secret"))
        adjusting(&settings)
        return settings
    }

    private static func error(_ adjusting: (inout OpenAIRealtimeSettings) -> Void) -> OpenAIRealtimeError? {
        do throws(OpenAIRealtimeError) {
            _ = try OpenAIRealtimeFactory(settings: settings(adjusting)) { _ in nil }
            return nil
        } catch { return error }
    }

    @Test("the key shows nowhere")
    func secret() {
        let settings = Self.settings { _ in }
        var dumped = ""
        dump(settings, to: &dumped)
        for text in [
            "\(settings)", String(reflecting: settings), dumped, "\(settings.apiKey)",
            String(reflecting: settings.apiKey),
        ] {
            #expect(!text.contains("very-secret"))
        }
    }

    @Test(
        "an address has to be one of a WebSocket server",
        arguments: [
            "wss://api.openai.com/v1", "ws://127.0.0.1:1234/v1/", "ws://[::1]:80", "WSS://host",
        ])
    func goodAddress(text: String) {
        #expect(Self.error { $0.baseURL = text } == nil)
    }

    @Test(
        "other addresses are refused",
        arguments: [
            "", "api.openai.com", "https://api.openai.com/v1", "wss://", "wss:///v1", "wss://host/v1?x=1",
            "wss://host/v1#f",
            "wss://user:pass@host/v1", "wss://host:0/v1", "wss://host:70000/v1",
        ])
    func badAddress(text: String) {
        #expect(Self.error { $0.baseURL = text } == .badBaseURL)
    }

    @Test("what would break a header is refused")
    func headers() {
        #expect(Self.error { $0.apiKey = APIKey("") } == .badKey)
        #expect(Self.error { $0.apiKey = APIKey("sk\r\nX-Evil: 1") } == .badKey)
        #expect(Self.error { $0.organization = "a b" } == .badOrganization)
        #expect(Self.error { $0.project = "" } == .badProject)
        #expect(Self.error { $0.model = "" } == .badModel)
    }

    @Test("the price file is read by the YAML decoder, and knows the default models and every price of a realtime one")
    func prices() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Manifests/prices.yaml")
        let file = try YAMLDecoder().decode(PriceFile.self, from: Data(contentsOf: url))
        let book = try file.book()
        let settings = Self.settings { _ in }
        #expect(try book.cost(of: Usage(audioIn: 600, audioOut: 1_200), model: settings.model) == 19_200 + 76_800)
        let transcriber = try #require(settings.transcriptionModel)
        #expect(try book.cost(of: Usage(milliseconds: 60_000), model: transcriber) == 4_500)
        for (model, entry) in file.models where model.hasPrefix("gpt-realtime") && entry.perMinute == nil {
            #expect(
                ![
                    entry.textIn, entry.cachedTextIn, entry.audioIn, entry.cachedAudioIn, entry.imageIn,
                    entry.cachedImageIn, entry.textOut, entry.audioOut,
                ].contains(nil), "\(model)")
            #expect(entry.source.hasPrefix("https://"))
            #expect(entry.checked.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil)
        }
    }
}
