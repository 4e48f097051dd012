import Foundation
import InterviewCore

/// Longest text value in bytes.
private let longestText = 1_024

private func scalar(_ raw: RawValue, _ meaning: String) throws(Complaint) -> String {
    guard case .scalar(let text) = raw else {
        throw Complaint(problem: "is a list", remedy: "write \(meaning)")
    }
    guard text.utf8.count <= longestText, !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
        throw Complaint(problem: "is too long or holds control characters", remedy: "write \(meaning)")
    }
    return text
}

private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}

/// Long numbers in groups of three digits, which YAML and `integer` read as well: `15_000_000`.
private func grouped(_ number: Int) -> String {
    let digits = String(number)
    guard digits.count > 5, number > 0 else { return digits }
    let head = digits.count % 3
    var groups = head == 0 ? [] : [digits.prefix(head)]
    var rest = digits.dropFirst(head)
    while !rest.isEmpty {
        groups.append(rest.prefix(3))
        rest = rest.dropFirst(3)
    }
    return groups.joined(separator: "_")
}

extension ConfigurationShape where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        let meaning = "a whole number from \(grouped(range.lowerBound)) to \(grouped(range.upperBound))"
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            guard let number = Int(text.replacing("_", with: "")) else {
                // What Kubernetes adds to every pod's environment for a Service of the same name.
                let remedy =
                    text.hasPrefix("tcp://")
                    ? "this is a Kubernetes service link: set enableServiceLinks: false in the pod" : "write \(meaning)"
                throw Complaint(problem: "\"\(text)\" is not a whole number", remedy: remedy)
            }
            guard range.contains(number) else {
                throw Complaint(problem: "\(number) is out of range", remedy: "write \(meaning)")
            }
            return number
        } print: {
            grouped($0)
        }
    }
    static var port: Self { .integer(0...65_535) }
}

extension ConfigurationShape where Value == Double {
    static func decimal(_ range: ClosedRange<Double>) -> Self {
        let meaning = "a number from \(range.lowerBound) to \(range.upperBound)"
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            guard let number = Double(text), number.isFinite else {
                throw Complaint(problem: "\"\(text)\" is not a number", remedy: "write \(meaning)")
            }
            guard range.contains(number) else {
                throw Complaint(problem: "\(text) is out of range", remedy: "write \(meaning)")
            }
            return number
        } print: {
            String($0)
        }
    }
}

extension ConfigurationShape where Value == Bool {
    static var flag: Self {
        let meaning = "true or false"
        return Self(meaning) { (raw) throws(Complaint) in
            switch try scalar(raw, meaning) {
            case "true": return true
            case "false": return false
            case let text: throw Complaint(problem: "\"\(text)\" is neither", remedy: "write true or false")
            }
        } print: {
            String($0)
        }
    }
}

extension ConfigurationShape where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        let meaning = "a time from \(DurationText.print(range.lowerBound)) to \(DurationText.print(range.upperBound))"
        let remedy = "write \(meaning), a number and its unit: 200ms, 120s, 45m or 24h"
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            guard let duration = DurationText.read(text) else {
                let problem = Int(text) == nil ? "\"\(text)\" is not a time" : "\"\(text)\" has no unit"
                throw Complaint(problem: problem, remedy: remedy)
            }
            guard range.contains(duration) else {
                throw Complaint(problem: "\(text) is out of range", remedy: remedy)
            }
            return duration
        } print: {
            DurationText.print($0)
        }
    }
}

/// Times as people write them: a whole number and `ms`, `s`, `m` or `h`.
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000),
    ]

    package static func read(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // Nine digits of hours still fit.
        guard (1...9).contains(digits.count), let number = Int64(digits) else { return nil }
        guard let unit = units.first(where: { $0.name == text.dropFirst(digits.count) }) else { return nil }
        return .milliseconds(number &* unit.milliseconds)
    }

    /// In the largest unit that leaves a whole number; up to three minutes in seconds, which reads better.
    package static func print(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        if milliseconds % 1_000 == 0, milliseconds <= 300_000 { return "\(milliseconds / 1_000)s" }
        let unit = units.last { milliseconds % $0.milliseconds == 0 } ?? ("ms", 1)
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}

extension ConfigurationShape where Value == String {
    /// Text; may be empty.
    static func text(_ meaning: String) -> Self {
        Self(meaning) { (raw) throws(Complaint) in
            try scalar(raw, meaning)
        } print: {
            quoted($0)
        }
    }

    /// Text that must say something.
    static func words(_ meaning: String) -> Self {
        Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            guard !text.isEmpty else { throw Complaint(problem: "is empty", remedy: "write \(meaning)") }
            return text
        } print: {
            quoted($0)
        }
    }

    /// An address of this machine or its name; may be empty.
    static var host: Self {
        let meaning = "an IP address or host name of this machine, or nothing"
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            let plain = text.utf8.allSatisfy { byte in
                Identifier.isPlain(String(UnicodeScalar(byte))) || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: ":")
            }
            guard plain else {
                throw Complaint(
                    problem: "\"\(text)\" is no host",
                    remedy: "write an address such as 127.0.0.1 or ::1, without a port")
            }
            return text
        } print: {
            quoted($0)
        }
    }

    /// `scheme://host[:port]`, with a path where `path` allows it, without user, query and fragment; may be empty when
    /// `optional`. A closing slash is taken off.
    static func url(_ schemes: [String], path: Bool = false, optional: Bool = true, example: String) -> Self {
        let meaning =
            "\(schemes.joined(separator: ":// or "))://host[:port]\(path ? "/path" : "")\(optional ? ", or nothing" : "")"
        let remedy =
            "write \(schemes.joined(separator: ":// or "))://host[:port]\(path ? "/path" : ""), for example \(example)"
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            if text.isEmpty {
                if optional { return "" }
                throw Complaint(problem: "is empty", remedy: remedy)
            }
            if let problem = URLText.problem(text, schemes: schemes, path: path) {
                throw Complaint(problem: problem, remedy: remedy)
            }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        } print: {
            quoted($0)
        }
    }
}

enum URLText {
    /// Nil: a usable URL. The text itself is not repeated where it may hold a password.
    static func problem(_ text: String, schemes: [String], path: Bool) -> String? {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            return "\"\(text)\" is no URL"
        }
        if parts.user != nil || parts.password != nil { return "holds a user or a password" }
        guard schemes.contains(scheme) else { return "\"\(text)\" begins with \(scheme)://" }
        guard let host = parts.host, !host.isEmpty else { return "\"\(text)\" has no host" }
        if parts.query != nil || parts.fragment != nil { return "has a query or a fragment" }
        if !path, !["", "/"].contains(parts.path) { return "\"\(text)\" has a path" }
        if let port = parts.port, !(1...65_535).contains(port) { return "\"\(text)\" has an impossible port" }
        return nil
    }
}

extension ConfigurationShape where Value == [String] {
    /// Origins as browsers send them (RFC 6454 section 7): scheme, host and port, nothing behind.
    static var origins: Self {
        let meaning = "a list of origins such as https://interviews.example"
        return Self(meaning, isList: true) { (raw) throws(Complaint) in
            let texts: [String]
            switch raw {
            case .list(let list): texts = list
            case .scalar(let text): texts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            }
            for text in texts {
                if text == "*" {
                    throw Complaint(
                        problem: "\"*\" would let any page of the web join", remedy: "list the page's own origins")
                }
                if let problem = URLText.problem(text, schemes: ["http", "https"], path: false) {
                    throw Complaint(problem: problem, remedy: "write \(meaning)")
                }
            }
            return texts.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        } print: {
            "[" + $0.map(quoted).joined(separator: ", ") + "]"
        }
    }
}

extension ConfigurationShape where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        let meaning = "one of " + names.joined(separator: ", ")
        return Self(meaning) { (raw) throws(Complaint) in
            let text = try scalar(raw, meaning)
            guard let value = Value(rawValue: text) else {
                throw Complaint(problem: "\"\(text)\" is none of its values", remedy: "write \(meaning)")
            }
            return value
        } print: {
            $0.rawValue
        }
    }
}
