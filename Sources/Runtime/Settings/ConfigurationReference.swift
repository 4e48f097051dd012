import WireFormats

/// Prints the table: the text of `Manifests/voiced.yaml`, and what a program shows when it is asked for its keys.
package enum ConfigurationReference {
    private static let width = 118

    /// Default, sample and reference at once. A test holds the file in the repository against it.
    package static var text: String {
        var lines = header
        var open: [String] = []
        for section in ConfigurationKeys.sections {
            lines.append("")
            if !section.title.isEmpty { lines += comment(section.title, "") }
            for entry in section.entries { add(entry, &lines, &open) }
        }
        return (lines + footer).joined(separator: "\n") + "\n"
    }

    /// One entry under the groups that are not open yet.
    private static func add(_ entry: ConfigurationEntry, _ lines: inout [String], _ open: inout [String]) {
        let parts = entry.name.split(separator: ".").map(String.init)
        let groups = Array(parts.dropLast())
        let shared = zip(open, groups).prefix { $0 == $1 }.count
        for depth in shared..<max(shared, groups.count) { lines.append("\(indent(depth))\(groups[depth]):") }
        open = groups
        let margin = indent(groups.count)
        lines += comment(entry.doc, margin)
        // A scheme stays as it is written.
        let isScheme = entry.meaning.prefix { $0 != " " }.contains(":")
        let meaning = isScheme ? entry.meaning : entry.meaning.prefix(1).uppercased() + entry.meaning.dropFirst()
        let live = ConfigurationKeys.live.contains(entry.name) ? " · live" : ""
        lines += comment("\(meaning) · \(entry.environmentName)\(live)", margin)
        lines.append("\(margin)\(parts.last ?? ""): \(entry.initial)")
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// Words in lines that fit, each with its `#`.
    static func comment(_ text: String, _ margin: String) -> [String] {
        var lines: [String] = []
        var line = "\(margin)#"
        for word in text.split(whereSeparator: \.isWhitespace) {
            if line.count + 1 + word.count > width, line.count > margin.count + 1 {
                lines.append(line)
                line = "\(margin)#"
            }
            line += " \(word)"
        }
        return lines + [line]
    }

    private static var header: [String] {
        comment(
            """
            voiced: default, sample and reference. Every value below is the default, so a file of yours needs only what \
            differs; this one is printed by `voiced check-config --print-defaults`.
            """, "")
            + ["#"]
            + comment(
                """
                What counts: --set key=value, then the environment (the name behind each range), then the file given by \
                --config, then these defaults. Keys are dotted in flags and messages: media.public_url. In the environment \
                a list is separated by commas, and an empty variable is as good as none.
                """, "")
            + ["#"]
            + comment(
                "Everything is checked before the first socket opens, and all that is wrong is said at once. "
                    + "`voiced check-config --config FILE` does only that.", "")
            + ["#"]
            + comment(
                """
                Keys marked `live` are read again on SIGHUP and by `voicectl reload`; interviews that run keep what they \
                began with. A mistake anywhere leaves everything as it was. The others wait for a restart.
                """, "")
    }

    private static var footer: [String] {
        ["", "# Secrets never stand here: only in the environment, or in a file that NAME_FILE names."]
            + SecretReader.Name.allCases.flatMap { comment("\($0.rawValue), \($0.rawValue)_FILE: \($0.doc)", "") }
    }
}
