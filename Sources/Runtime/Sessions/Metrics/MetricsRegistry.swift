import Synchronization

/// The process's metrics, in the names and buckets that operators' alerts rely on. Written at events of a
/// conversation (joins, turns, ends), never per frame, so one lock serves all.
package final class MetricsRegistry: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// A family: declared once, so that a series exists in name and help before its first event.
    package struct Family: Sendable, Hashable {
        package var name: String
        package var help: String
        package var kind: Kind
        package var labels: [String]
        package var buckets: [Double]

        package init(_ name: String, _ kind: Kind, help: String, labels: [String] = [], buckets: [Double] = []) {
            self.name = name
            self.help = help
            self.kind = kind
            self.labels = labels
            self.buckets = buckets
        }
    }

    private struct Histogram {
        var counts: [Int]
        var sum: Double = 0
        var count = 0
    }

    private struct Series {
        var values: [[String]: Double] = [:]
        var histograms: [[String]: Histogram] = [:]
    }

    private let families: [Family]
    private let series: Mutex<[String: Series]>

    package init(families: [Family] = Metric.all) {
        self.families = families
        series = Mutex([:])
    }

    /// Most label sets a family keeps; more are dropped, so that a mistake cannot fill the memory.
    package static let mostSeriesPerFamily = 500

    package func add(_ family: Family, _ labels: [String] = [], by amount: Double = 1) {
        series.withLock { all in
            guard admits(all[family.name]?.values.count, all[family.name]?.values[labels] != nil) else { return }
            all[family.name, default: Series()].values[labels, default: 0] += amount
        }
    }

    package func set(_ family: Family, _ labels: [String] = [], to value: Double) {
        series.withLock { all in
            guard admits(all[family.name]?.values.count, all[family.name]?.values[labels] != nil) else { return }
            all[family.name, default: Series()].values[labels] = value
        }
    }

    /// Forgets every series of a gauge, before its values are set anew.
    package func clear(_ family: Family) {
        series.withLock { $0[family.name] = nil }
    }

    package func observe(_ family: Family, _ labels: [String] = [], _ value: Double) {
        series.withLock { all in
            guard admits(all[family.name]?.histograms.count, all[family.name]?.histograms[labels] != nil) else {
                return
            }
            var histogram =
                all[family.name]?.histograms[labels]
                ?? Histogram(counts: Array(repeating: 0, count: family.buckets.count))
            for (index, bound) in family.buckets.enumerated() where value <= bound { histogram.counts[index] += 1 }
            histogram.sum += value
            histogram.count += 1
            all[family.name, default: Series()].histograms[labels] = histogram
        }
    }

    /// A counter's or gauge's value; for tests and reports.
    package func value(_ family: Family, _ labels: [String] = []) -> Double {
        series.withLock { $0[family.name]?.values[labels] ?? 0 }
    }

    /// How many observations a histogram's series holds.
    package func count(_ family: Family, _ labels: [String] = []) -> Int {
        series.withLock { $0[family.name]?.histograms[labels]?.count ?? 0 }
    }

    private func admits(_ count: Int?, _ known: Bool) -> Bool {
        known || (count ?? 0) < Self.mostSeriesPerFamily
    }
}

// MARK: - Exposition
extension MetricsRegistry {
    /// The page in Prometheus' text exposition format 0.0.4.
    package func page() -> String {
        let all = series.withLock { $0 }
        var page = ""
        for family in families {
            page += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            let series = all[family.name] ?? Series()
            switch family.kind {
            case .counter, .gauge:
                var values = series.values
                if values.isEmpty, family.labels.isEmpty { values[[]] = 0 }
                for (labels, value) in values.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                    page += "\(family.name)\(Self.braces(family.labels, labels)) \(Self.number(value))\n"
                }
            case .histogram:
                for (labels, histogram) in series.histograms.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                    Self.write(histogram, of: family, labels, to: &page)
                }
            }
        }
        return page
    }

    private static func write(_ histogram: Histogram, of family: Family, _ labels: [String], to page: inout String) {
        for (bound, count) in zip(family.buckets, histogram.counts) {
            page += "\(family.name)_bucket\(braces(family.labels + ["le"], labels + [number(bound)])) \(count)\n"
        }
        page += "\(family.name)_bucket\(braces(family.labels + ["le"], labels + ["+Inf"])) \(histogram.count)\n"
        page += "\(family.name)_sum\(braces(family.labels, labels)) \(number(histogram.sum))\n"
        page += "\(family.name)_count\(braces(family.labels, labels)) \(histogram.count)\n"
    }

    private static func braces(_ names: [String], _ values: [String]) -> String {
        guard !names.isEmpty else { return "" }
        let pairs = zip(names, values).map { name, value in
            let escaped = value.map { character -> String in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }.joined()
            return "\(name)=\"\(escaped)\""
        }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }
}
