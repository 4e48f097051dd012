/// What a configuration that was read again means to a process that runs.
package struct ConfigurationChange: Sendable, Equatable {
    /// Keys whose new value counts from now on.
    package var live: [String] = []
    /// Keys whose new value counts after a restart.
    package var needsRestart: [String] = []

    /// `before` and `after`: values by key, as `Configuration.printed` has them.
    package init(from before: [String: String], to after: [String: String]) {
        for entry in ConfigurationKeys.all where before[entry.name] != after[entry.name] {
            if ConfigurationKeys.live.contains(entry.name) {
                live.append(entry.name)
            } else {
                needsRestart.append(entry.name)
            }
        }
    }

    package var isEmpty: Bool { live.isEmpty && needsRestart.isEmpty }
}

extension ConfigurationKeys {
    /// Read again on SIGHUP and `voicectl reload`; conversations that have begun keep what they began with. Every other
    /// key is a socket, a thread or a file that is open already.
    package static let live: Set<String> = Set(
        [
            diskMinFree.entry, capacityPerLoop.entry, capacityKept.entry, capacityLoopLag.entry, capacityMemory.entry,
            limitsIdle.entry, limitsHard.entry, limitsRejoin.entry,
            limitsSessionBudget.entry, drainTimeout.entry, openAIMaxOutput.entry, vadThreshold.entry, vadPrefix.entry,
            vadSilence.entry, studiesFolder.entry, pricesFile.entry, logLevel.entry,
        ].map(\.name))
}
