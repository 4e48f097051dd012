import Foundation
import InterviewCore
import NIOHTTP1
import Ports
import Testing
import WebSurface
import WireFormats

/// One web surface on a free port, its store filled with a study.
struct Web {
    let store = FakeStore()
    var open = true
    var publicURL: String? = "https://interviews.example/"

    static let key = ["Authorization": "Bearer all"]

    func running(_ body: (Peer, FakeStore) async throws -> Void) async throws {
        var study = Study(
            id: try #require(StudyID("demo")), name: "Coffee", language: "en", instructions: "ask", greeting: "hello")
        study.limits.hardLimitSeconds = 900
        try await store.save(study)
        let settings = WebSettings(
            host: "127.0.0.1", port: 0, publicURL: publicURL, mediaURL: "wss://media.example", open: open,
            authorize: { key in
                switch key {
                case "all": ["sessions:create", "sessions:read", "studies:write"]
                case "reader": ["sessions:read"]
                default: nil
                }
            }, noShow: .seconds(86_400), hardLimit: .seconds(2_700), rejoinWindow: .seconds(120))
        let surface = WebSurface(settings: settings, store: store, tokens: FakeTokens(), logger: quiet)
        try await SurfaceTests.running(surface) { try await body(.port(try await surface.port()), store) }
    }
}
