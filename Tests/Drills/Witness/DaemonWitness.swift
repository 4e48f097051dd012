import Foundation
import ParticipantLoad

/// What the daemon says of itself: its metrics page and its log.
package struct DaemonWitness: Sendable {
    private let page: String
    private let log: String

    /// `slot` nil: the first.
    package static func read(_ rig: Rig, _ slot: DaemonSlot? = nil) async throws -> DaemonWitness {
        let slot = slot ?? rig.slots[0]
        let answer = try await rig.http.get(try Address("http://127.0.0.1:\(slot.ports.metrics)"), "/metrics")
        let daemon = slot.process
        let errors = (try? String(contentsOfFile: daemon.errorPath, encoding: .utf8)) ?? ""
        return DaemonWitness(page: String(decoding: answer.body, as: UTF8.self), log: daemon.output + errors)
    }

    /// The sum of a family's series that carry all of `labels`.
    package func metric(_ name: String, _ labels: [String: String] = [:]) -> Double {
        page.split(separator: "\n").filter { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
            .filter { line in labels.allSatisfy { line.contains("\($0.key)=\"\($0.value)\"") } }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    /// The family's series, by the value of their label `name`.
    package func series(_ family: String, by name: String) -> [String: Int] {
        var found: [String: Int] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("\(family){") {
            guard let start = line.range(of: "\(name)=\""), let value = line.split(separator: " ").last,
                let count = Double(value)
            else { continue }
            found[String(line[start.upperBound...].prefix { $0 != "\"" }), default: 0] += Int(count)
        }
        return found
    }

    /// Lines about `session` that carry all of `words`.
    package func lines(of session: String, _ words: [String]) -> Int {
        log.split(separator: "\n").count { line in line.contains(session) && words.allSatisfy(line.contains) }
    }
}
