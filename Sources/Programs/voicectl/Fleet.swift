import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl fleet`
package struct Fleet: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "List the processes that share this store.",
        discussion: """
            A star marks the process that was asked. LEASE is what is left of its permission to be left alone; past: \
            others take over what it had, and its line goes after an hour.

            EXAMPLE
              voicectl fleet --json | jq '[.instances[] | select(.lease_left_ms > 0).active] | add'
            """)

    package init() {}

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func run() async throws {
        try await watch.show {
            let reply = try await AdminClient(path: try connection.place()).get(AdminPath.fleet, FleetReport.self)
            return connection.json ? reply.text : Self.text(reply.value)
        }
    }

    package static func text(_ report: FleetReport) -> String {
        guard !report.instances.isEmpty else { return "The store knows no process." }
        var table = Table([
            .init(title: "", width: 1), .init(title: "INSTANCE", width: 12), .init(title: "BUILD", width: 10),
            .init(title: "ADDRESS", width: 19), .init(title: "LOAD", width: 7, isNumber: true),
            .init(title: "LEASE", width: 6, isNumber: true), .init(title: "UP", width: 11),
        ])
        for instance in report.instances {
            table.add([
                instance.isThis ? "*" : " ", instance.instance, instance.build, instance.mediaAddress,
                "\(instance.active)/\(instance.capacity)", Self.lease(instance),
                Words.span(seconds: instance.upSeconds),
            ])
        }
        return table.text
    }

    private static func lease(_ instance: FleetInstance) -> String {
        guard instance.leaseLeftMilliseconds > 0 else { return "past" }
        return instance.draining ? "drains" : Words.seconds(milliseconds: Int(instance.leaseLeftMilliseconds))
    }
}
