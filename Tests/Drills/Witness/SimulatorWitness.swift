import Foundation
import ParticipantLoad

/// Reads the simulator's account of a drill: its log and the sound it wrote. Nothing here comes from voiced.
package struct SimulatorWitness: Sendable {
    package struct Entry: Decodable, Sendable {
        package var ms: Double
        package var connection: Int
        package var kind: String
        package var item: String?
        package var response: String?
        package var text: String?
        package var complete: Bool?
        package var audioMs: Int?
        package var status: String?
        package var usage: Usage?
        package var code: Int?
        package var by: String?
        /// What went wrong on purpose.
        package var fault: String?
    }

    /// As the vendor spells it.
    package struct Usage: Decodable, Sendable {
        package struct Cached: Decodable, Sendable { var textTokens, audioTokens, imageTokens: Int? }
        package struct Input: Decodable, Sendable {
            package var textTokens, audioTokens, imageTokens: Int?
            package var cachedTokensDetails: Cached?
        }
        package struct Output: Decodable, Sendable { var textTokens, audioTokens: Int? }
        package var inputTokens, outputTokens: Int?
        package var inputTokenDetails: Input?
        package var outputTokenDetails: Output?
        package var seconds: Double?
    }

    package struct Turn: Equatable, Sendable {
        package var speaker: String
        package var text: String?
    }

    package let entries: [Entry]
    private let audioFolder: String

    /// The log so far, from its file; of a long drill only what comes after entry `after`.
    package static func read(_ rig: Rig, after: Int = 0) async throws -> SimulatorWitness {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(rig.folder)/sim.jsonl"))
        let lines = bytes.split(separator: UInt8(ascii: "\n")).dropFirst(after)
        // The last line may be half written; an entry of no interest (`error_sent` has a text where `closed` has a
        // number) may not spoil the log.
        let entries = lines.compactMap { try? decoder.decode(Entry.self, from: Data($0)) }
        return SimulatorWitness(entries: entries, audioFolder: rig.audioFolder)
    }

    /// How many entries there are.
    package static func length(_ rig: Rig) async throws -> Int {
        struct Health: Decodable { var logEntries: Int }
        let answer = try await rig.http.get(try rig.simulatorAddress, "/sim/health")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Health.self, from: Data(answer.body)).logEntries
    }

    private init(entries: [Entry], audioFolder: String) {
        self.entries = entries
        self.audioFolder = audioFolder
    }

    /// Connections in the order of their opening.
    package var connections: [Int] { entries.filter { $0.kind == "connected" }.map(\.connection) }

    /// Which connection gave an answer, by the provider's id of it.
    package var connectionsByResponse: [String: Int] {
        Dictionary(
            entries.compactMap { entry in entry.response.map { ($0, entry.connection) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The log's clock now or a little before: the time of its last entry, in milliseconds.
    package var lastMilliseconds: Double { entries.last?.ms ?? 0 }

    package func of(_ connection: Int, _ kind: String) -> [Entry] {
        entries.filter { $0.connection == connection && $0.kind == kind }
    }

    /// What was said, turn by turn, in the order in which it was.
    package func turns(_ connection: Int) -> [Turn] {
        let transcripts = Dictionary(
            of(connection, "user_transcript").map { ($0.item ?? "", $0.text) }, uniquingKeysWith: { _, last in last })
        return entries.filter { $0.connection == connection }.compactMap { entry in
            switch entry.kind {
            case "committed": Turn(speaker: "participant", text: transcripts[entry.item ?? ""] ?? nil)
            case "said": entry.text?.isEmpty == false ? Turn(speaker: "agent", text: entry.text) : nil
            default: nil
            }
        }
    }

    /// Everything that was appended on a connection.
    package func heard(_ connection: Int) -> [Int16] { sound("heard-\(connection).pcm") }

    /// The spoken items of a connection, in their order.
    package func said(_ connection: Int) -> [(entry: Entry, samples: [Int16])] {
        of(connection, "said").filter { ($0.audioMs ?? 0) > 0 }.map { entry in
            (entry, sound("said-\(connection)-\(entry.item ?? "").pcm"))
        }
    }

    private func sound(_ name: String) -> [Int16] {
        LittleEndian.samples(Array(FileManager.default.contents(atPath: "\(audioFolder)/\(name)") ?? Data()))
    }
}
