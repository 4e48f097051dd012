extension Rig {
    /// Starts the processes of `plan`, lets `act` do with them what it wants, and stops them. Whatever fails is the
    /// verdict's, under `name`; so is a daemon that has ended by itself.
    static func hold(
        _ name: String, _ plan: RigPlan, _ options: DrillOptions, _ verdict: inout Verdict,
        _ act: (Rig, inout Verdict) async throws -> Void
    ) async {
        do {
            let rig = try await Rig.start(plan, options)
            do {
                try await act(rig, &verdict)
            } catch {
                verdict.fail("\(name): \(error)")
                for slot in rig.slots { Progress.say(slot.process.lastErrorLines) }
            }
            for slot in rig.slots {
                if let exit = slot.process.ended { verdict.fail("\(name): the daemon runs to the end: \(exit)") }
            }
            await rig.stop()
        } catch {
            verdict.fail("\(name): \(error)")
        }
    }
}
