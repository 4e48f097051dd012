/// How numbers are said to people.
package enum Words {
    /// `7:05`, `1:02:03`.
    package static func clock(seconds: Int) -> String {
        let seconds = max(0, seconds)
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }

    /// `3 d 4 h`, `4 h 5 min`, `6 min`, `7 s`.
    package static func span(seconds: Int) -> String {
        switch max(0, seconds) {
        case 0..<60: "\(max(0, seconds)) s"
        case 60..<3_600: "\(seconds / 60) min"
        case 3_600..<86_400: "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }

    /// `$0.1234`: a cent is too coarse for one interview.
    package static func dollars(micros: Int64) -> String {
        let sign = micros < 0 ? "-" : ""
        let hundredths = (micros.magnitude + 50) / 100
        let rest = String(hundredths % 10_000)
        return "\(sign)$\(hundredths / 10_000).\(String(repeating: "0", count: 4 - rest.count))\(rest)"
    }

    package static func yes(_ value: Bool) -> String { value ? "yes" : "no" }

    /// Milliseconds as `12.3 s`.
    package static func seconds(milliseconds: Int) -> String {
        let tenths = max(0, milliseconds) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
