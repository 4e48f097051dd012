import Foundation
import Sessions
import Testing

@Suite struct MetricsPageTests {
    /// Every family with a value, as after some hours.
    private func filled() -> MetricsRegistry {
        let metrics = MetricsRegistry()
        for family in Metric.all {
            let labels = family.labels.map { "some_\($0)" }
            switch family.kind {
            case .counter: metrics.add(family, labels, by: 3)
            case .gauge: metrics.set(family, labels, to: 0.25)
            case .histogram: for value in [0.01, 1.7, 5_000] { metrics.observe(family, labels, value) }
            }
        }
        return metrics
    }

    @Test("Prometheus' own linter finds nothing to say")
    func promtool() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/promtool")
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(filled().page().utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(String(decoding: said, as: UTF8.self) == "")
    }

    @Test("buckets are cumulative and end with the count")
    func histogram() {
        let page = filled().page()
        #expect(page.contains("voice_session_ttfv_seconds_bucket{provider=\"some_provider\",le=\"0.5\"} 1\n"))
        #expect(page.contains("voice_session_ttfv_seconds_bucket{provider=\"some_provider\",le=\"2\"} 2\n"))
        #expect(page.contains("voice_session_ttfv_seconds_bucket{provider=\"some_provider\",le=\"+Inf\"} 3\n"))
        #expect(page.contains("voice_session_ttfv_seconds_count{provider=\"some_provider\"} 3\n"))
    }

    @Test("a label's quotes, backslashes and line ends are escaped")
    func escaping() {
        let metrics = MetricsRegistry()
        metrics.add(Metric.refusals, ["a\"b\\c\nd"])
        #expect(metrics.page().contains(#"voice_joins_refused_total{code="a\"b\\c\nd"} 1"#))
    }

    @Test("a family keeps a bounded number of series")
    func bounded() {
        let metrics = MetricsRegistry()
        for number in 0..<(MetricsRegistry.mostSeriesPerFamily + 50) { metrics.add(Metric.refusals, ["\(number)"]) }
        #expect(metrics.page().split(separator: "\n").count { $0.hasPrefix("voice_joins_refused_total{") } == 500)
        metrics.add(Metric.refusals, ["7"])
        #expect(metrics.value(Metric.refusals, ["7"]) == 2)
    }
}
