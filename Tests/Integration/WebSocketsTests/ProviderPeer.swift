import Foundation

/// The independent server of `Tests/Peers/provider_peer.py`, one for all tests of this process; it ends with us.
struct ProviderPeer: Sendable {
    private struct Greeting: Decodable {
        var ports: [String: UInt16]
        var authority: String
    }

    struct NotRunning: Error {}

    let ports: [String: UInt16]
    /// File of the authority that signed the server's certificate.
    let authority: String

    static let shared = Result { try ProviderPeer() }

    private init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build/python/bin/python3")
        process.arguments = [root.appendingPathComponent("Tests/Peers/provider_peer.py").path]
        let output = Pipe()
        let input = Pipe()
        process.standardOutput = output
        // Kept open for as long as this process lives; its end is the peer's.
        process.standardInput = input
        Self.keep.append(input)
        try process.run()
        var line = Data()
        while !line.contains(0x0a) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw NotRunning() }
            line.append(more)
        }
        let greeting = try JSONDecoder().decode(Greeting.self, from: line)
        ports = greeting.ports
        authority = greeting.authority
    }

    nonisolated(unsafe) private static var keep: [Pipe] = []
}
