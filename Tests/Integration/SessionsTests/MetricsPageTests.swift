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

    @Test("names, labels and buckets are those that alerts and dashboards rely on")
    func contract() {
        let families = Dictionary(uniqueKeysWithValues: Metric.all.map { ($0.name, $0) })
        let plain: [String: [String]] = [
            "voice_sessions_active": ["provider", "language"], "voice_sessions_capacity": [],
            "voice_sessions_by_state": ["state"], "voice_sessions_reaped_total": ["cause"],
            "voice_provider_errors_total": ["provider", "error_type"],
            "voice_provider_requests_total": ["provider", "request_type"], "voice_rejoins_total": ["kind"],
            "voice_drain_sessions_remaining": [], "voice_loop_lag_seconds": ["loop"], "voice_store_up": [],
            "voice_journal_spool_records": [], "voice_journal_fenced_records_total": [],
            "voice_recording_parts_pending": [], "voice_build_info": ["version"],
        ]
        for (name, labels) in plain { #expect(families[name]?.labels == labels, "\(name)") }
        let buckets: [String: ([String], [Double])] = [
            "voice_session_ttfv_seconds": (["provider"], [0.5, 1, 1.5, 2, 3, 5, 10]),
            "voice_session_duration_seconds": (
                ["provider", "completion_reason"], [60, 120, 300, 600, 900, 1200, 1800, 2700, 3600]
            ),
            "voice_provider_response_latency_seconds": (["provider", "request_type"], [0.1, 0.25, 0.5, 1, 2, 5]),
            "voice_session_cost_dollars": (["provider"], [0.5, 1, 2, 5, 10, 15, 25]),
        ]
        for (name, (labels, bounds)) in buckets {
            #expect(families[name]?.labels == labels, "\(name)")
            #expect(families[name]?.buckets == bounds, "\(name)")
        }
        #expect(families["voice_turn_latency_seconds"]?.labels == ["provider"])
        for family in Metric.all {
            #expect(Set(family.labels).isDisjoint(with: ["session", "session_id", "participant", "participant_id"]))
        }
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
