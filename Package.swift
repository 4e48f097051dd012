// swift-tools-version: 6.2
import PackageDescription

// The rings, from the inside out; arrows only point inward. `Runbooks/Develop/structure.md` draws them.
//
//   Foreign  C modules            Bindings  thin Swift over each
//   Core     values only          Ports     protocols
//   Runtime  the actors           Adapters  one neighbour each
//   Assembly knows every adapter  Programs  one short Main.swift each

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
/// Foreign memory is touched only behind these: the compiler wants the word `unsafe` at each such place.
let bindingSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
]
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")

func module(
    _ ring: String, _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(ring)/\(name)", resources: resources,
        swiftSettings: ring == "Bindings" ? bindingSettings : settings)
}
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [arguments], path: "Sources/Programs/\(name)", swiftSettings: settings)
}
func tests(
    _ kind: String, _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(kind)/\(name)", exclude: exclude,
        swiftSettings: settings)
}

let package = Package(
    name: "voiced",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-crypto", "4.0.0"..<"6.0.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // MARK: Foreign
        .systemLibrary(name: "COpus", path: "Sources/Foreign/COpus", pkgConfig: "opus"),
        .systemLibrary(name: "CLibPQ", path: "Sources/Foreign/CLibPQ", pkgConfig: "libpq"),
        .systemLibrary(name: "CFileStatus", path: "Sources/Foreign/CFileStatus"),
        .target(name: "CFlightRecorder", path: "Sources/Foreign/CFlightRecorder"),
        .systemLibrary(name: "CLibEv", path: "Sources/Foreign/CLibEv"),
        .systemLibrary(
            name: "CLibWebSockets", path: "Sources/Foreign/CLibWebSockets", pkgConfig: "libwebsockets"),

        // MARK: Bindings
        module("Bindings", "Opus", ["COpus"]),
        module("Bindings", "PostgreSQL", ["CLibPQ"]),
        module("Bindings", "EventLoops", ["CLibEv", heap, "Ports"]),
        module("Bindings", "FlightRecording", ["CFlightRecorder", "InterviewCore", "Ports"]),
        module("Bindings", "WebSockets", ["CLibWebSockets", "CLibEv", "EventLoops", "Ports", deque]),

        module(
            "Bindings", "HTTPServing",
            [
                "WireFormats", hummingbird, .product(name: "HummingbirdCore", package: "hummingbird"), httpTypes,
                logging,
                lifecycle, nio[0], .product(name: "NIOFoundationCompat", package: "swift-nio"),
            ]),

        // MARK: Core
        module("Core", "InterviewCore", [deque]),
        module("Core", "WireFormats", ["InterviewCore"]),
        module("Core", "Ports", ["InterviewCore"]),

        // MARK: Runtime
        module("Runtime", "Sessions", ["InterviewCore", "Ports", deque, heap, logging]),
        module("Runtime", "Settings", ["InterviewCore", "WireFormats", configuration, yams]),
        module(
            "Runtime", "Assembly",
            [
                "Settings", "HTTPServing", "InterviewCore", "Ports", "WireFormats", "Sessions", "EventLoops",
                "WebSockets", "FlightRecording",
                "Opus", "OpusCodecs", "OpenAIRealtimeProvider", "WebSocketTransport", "SQLiteStore", "PostgresStore",
                "OggRecorder",
                "LocalDisk", "SessionTokens", "AgentSurface", "WebSurface", "ProviderSimulator", logging, lifecycle,
                unixSignals,
            ]),

        // MARK: Adapters
        module(
            "Adapters", "OpenAIRealtimeProvider", ["InterviewCore", "Ports", "WireFormats", "EventLoops", "WebSockets"]),
        module(
            "Adapters", "WebSocketTransport",
            ["InterviewCore", "Ports", "WireFormats", "EventLoops", "WebSockets", "CLibEv", logging]),
        module("Adapters", "OggRecorder", ["InterviewCore", "Ports", "WireFormats", "Opus", deque, logging]),
        module("Adapters", "LocalDisk", ["InterviewCore", "Ports", "WireFormats", "CFileStatus", logging]),
        module("Adapters", "OpusCodecs", ["Ports", "Opus"]),
        module(
            "Adapters", "SQLiteStore",
            [
                "InterviewCore", "Ports", "WireFormats", "CFileStatus",
                .product(name: "GRDB", package: "GRDB.swift"), deque, logging,
            ]),
        module(
            "Adapters", "PostgresStore", ["InterviewCore", "Ports", "WireFormats", "PostgreSQL", deque, logging]),
        module(
            "Adapters", "SessionTokens",
            ["InterviewCore", "Ports", "CFileStatus", .product(name: "JWTKit", package: "jwt-kit"), crypto]),
        module(
            "Adapters", "AgentSurface",
            ["InterviewCore", "Ports", "WireFormats", "HTTPServing", hummingbird, httpTypes, logging]),
        module(
            "Adapters", "WebSurface",
            [
                "InterviewCore", "Ports", "WireFormats", "HTTPServing", hummingbird, httpTypes, crypto, nio[0],
                .product(name: "NIOFoundationCompat", package: "swift-nio"), lifecycle, logging,
            ],
            resources: [.embedInCode("Page")]),

        // MARK: Rehearsal: what speaks to voiced from outside, through SwiftNIO on purpose
        module("Rehearsal", "ProviderSimulator", nio + [logging]),
        module("Rehearsal", "ParticipantLoad", nio + ["WireFormats", "InterviewCore", "Opus", logging]),

        // MARK: Programs
        program("voiced", ["Assembly", "Settings", "InterviewCore", "ProviderSimulator", logging]),
        program("voice-web", ["Assembly", "Settings", "InterviewCore", logging]),
        program(
            "voicectl",
            [
                "WireFormats", "InterviewCore", httpClient, nio[0], nio[2],
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
            ]),
        program("voice-sim", ["ProviderSimulator", logging]),
        program("voice-load", ["ParticipantLoad", "InterviewCore"]),
        .executableTarget(
            name: "voice-drill",
            dependencies: nio + [
                "ParticipantLoad", "WireFormats", "InterviewCore", "Opus", "TestKit", arguments, yams,
                .product(name: "GRDB", package: "GRDB.swift"),
            ], path: "Tests/Drills", swiftSettings: settings),
        .executableTarget(
            name: "voice-bench",
            dependencies: nio + [
                "EventLoops", "WebSockets", "Opus", "Ports", "WireFormats", "InterviewCore", "ParticipantLoad",
                arguments,
            ], path: "Tests/Benchmarks", exclude: ["Encoder/quality.py", "Encoder/requirements.txt"],
            swiftSettings: settings),

        .executableTarget(
            name: "voice-fuzz",
            dependencies: [
                "InterviewCore", "WireFormats", "Ports", "Opus", "Settings", "SessionTokens", "WebSockets",
                "WebSocketTransport", "OpenAIRealtimeProvider", arguments,
            ], path: "Tests/Fuzz", exclude: ["Corpus"], swiftSettings: settings),

        // MARK: Tests
        .target(
            name: "TestKit", dependencies: ["InterviewCore", "Ports"], path: "Sources/Support/TestKit",
            swiftSettings: settings),
        tests("Unit", "InterviewCoreTests", ["InterviewCore"]),
        tests("Unit", "PortsTests", ["Ports", "InterviewCore"]),
        tests("Unit", "WireFormatsTests", ["WireFormats", "InterviewCore"]),
        tests("Unit", "SessionTokensTests", ["SessionTokens", "InterviewCore", "Ports", crypto]),
        tests(
            "Contract", "StoreContractTests",
            ["SQLiteStore", "PostgresStore", "InterviewCore", "Ports", "TestKit", logging]),
        tests(
            "Integration", "SQLiteStoreTests",
            [
                "SQLiteStore", "InterviewCore", "Ports", "TestKit", logging,
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        tests("Unit", "SettingsTests", ["Settings", "InterviewCore", "WireFormats"]),
        tests("Unit", "ParticipantLoadTests", nio + ["ParticipantLoad", "InterviewCore"]),
        tests("Integration", "SimulatorTests", nio + ["ProviderSimulator"], exclude: ["Client"]),
        tests("Unit", "VoiceBenchTests", ["voice-bench", "WireFormats"]),
        tests("Unit", "VoicectlTests", ["voicectl", "InterviewCore", "WireFormats"]),
        tests(
            "Integration", "SurfaceTests",
            [
                "AgentSurface", "WebSurface", "HTTPServing", "InterviewCore", "Ports", "WireFormats", httpClient,
                lifecycle,
                logging, nio[0], nio[2], .product(name: "NIOFoundationCompat", package: "swift-nio"),
            ]),
        tests(
            "Integration", "RecordingTests",
            [
                "OggRecorder", "LocalDisk", "OpusCodecs", "Opus", "Ports", "InterviewCore", "WireFormats", logging,
                "recording-victim",
            ]),
        .executableTarget(
            name: "recording-victim", dependencies: ["OggRecorder", "LocalDisk", "Ports", "InterviewCore"],
            path: "Tests/Integration/RecordingVictim", swiftSettings: settings),
        tests("Integration", "FlightRecordingTests", ["FlightRecording", "InterviewCore", "Ports", "flight-victim"]),
        .executableTarget(
            name: "flight-victim", dependencies: ["FlightRecording", "EventLoops", "Ports", "InterviewCore"],
            path: "Tests/Integration/FlightVictim", swiftSettings: settings),
        tests("Integration", "EventLoopsTests", ["EventLoops", "Ports"]),
        tests("Integration", "WebSocketsTests", ["WebSockets", "EventLoops", "Ports", "TestKit"]),
        tests(
            "Integration", "OpenAIRealtimeProviderTests",
            nio + [
                "OpenAIRealtimeProvider", "ProviderSimulator", "WebSockets", "EventLoops", "WireFormats",
                "InterviewCore", "Ports", yams,
            ]),
        tests(
            "Integration", "WebSocketTransportTests",
            [
                "WebSocketTransport", "WebSockets", "EventLoops", "WireFormats", "InterviewCore", "Ports", "TestKit",
                logging,
            ]),
        tests("EndToEnd", "PageTests", ["voiced"]),
        tests(
            "EndToEnd", "BadInputTests",
            [
                "voice-drill", "voiced", "voice-web", "voice-sim", "ParticipantLoad", "InterviewCore", "Ports",
                "SessionTokens", "TestKit", nio[1],
            ]),
        tests(
            "EndToEnd", "FramePathTests",
            [
                "Assembly", "Settings", "ProviderSimulator", "ParticipantLoad", "InterviewCore", "Ports", "OpusCodecs",
                "SQLiteStore", "SessionTokens", logging, nio[0], nio[1],
            ]),
        tests(
            "Integration", "SessionsTests",
            [
                "Sessions", "InterviewCore", "Ports", "TestKit", "SQLiteStore", "LocalDisk", "SessionTokens",
                "OpusCodecs", logging,
            ]),
    ]
)
