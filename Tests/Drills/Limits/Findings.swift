import Foundation
import ParticipantLoad

/// What one case has found; cases run side by side, the verdict takes their findings one after the other.
struct Findings: Sendable {
    struct Finding: Sendable {
        var holds: Bool
        var what: String
        var detail: String
    }

    let name: String
    private(set) var all: [Finding] = []

    init(_ name: String) { self.name = name }

    mutating func expect(_ condition: Bool, _ what: String, _ detail: @autoclosure () -> String = "") {
        all.append(Finding(holds: condition, what: "\(name): \(what)", detail: condition ? "" : detail()))
    }
}

/// What the daemon says of itself: its metrics page and its log.
struct DaemonWitness: Sendable {
    private let page: String
    private let log: String

    static func read(_ rig: Rig) async throws -> DaemonWitness {
        let answer = try await rig.http.get(try rig.metricsAddress, "/metrics")
        let daemon = rig.daemon
        let errors = (try? String(contentsOfFile: daemon.errorPath, encoding: .utf8)) ?? ""
        return DaemonWitness(page: String(decoding: answer.body, as: UTF8.self), log: daemon.output + errors)
    }

    /// The sum of a family's series that carry all of `labels`.
    func metric(_ name: String, _ labels: [String: String] = [:]) -> Double {
        page.split(separator: "\n").filter { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
            .filter { line in labels.allSatisfy { line.contains("\($0.key)=\"\($0.value)\"") } }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    /// Lines about `session` that carry all of `words`.
    func lines(of session: String, _ words: [String]) -> Int {
        log.split(separator: "\n").count { line in line.contains(session) && words.allSatisfy(line.contains) }
    }
}
