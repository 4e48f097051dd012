/// The families that voiced exports. Names, labels and buckets are a contract with alerts and dashboards.
package enum Metric {
    package typealias Family = MetricsRegistry.Family

    package static let sessionsActive = Family(
        "voice_sessions_active", .gauge, help: "Conversations that this process runs.",
        labels: ["provider", "language"])
    package static let sessionsCapacity = Family(
        "voice_sessions_capacity", .gauge,
        help: "Conversations that this process may run, the part kept for rejoins included.")
    package static let sessionsByState = Family(
        "voice_sessions_by_state", .gauge, help: "Conversations in memory by their finer state.", labels: ["state"])
    package static let sessionsReaped = Family(
        "voice_sessions_reaped_total", .counter, help: "Conversations ended by a timer or limit.", labels: ["cause"])
    package static let ttfv = Family(
        "voice_session_ttfv_seconds", .histogram, help: "From welcome to the first agent frame.",
        labels: ["provider"], buckets: [0.5, 1, 1.5, 2, 3, 5, 10])
    package static let sessionDuration = Family(
        "voice_session_duration_seconds", .histogram, help: "Active time of ended conversations.",
        labels: ["provider", "completion_reason"], buckets: [60, 120, 300, 600, 900, 1200, 1800, 2700, 3600])
    package static let sessionCost = Family(
        "voice_session_cost_dollars", .histogram, help: "Cost of ended conversations.", labels: ["provider"],
        buckets: [0.5, 1, 2, 5, 10, 15, 25])
    package static let turnLatency = Family(
        "voice_turn_latency_seconds", .histogram,
        help: "From the provider's end of the participant's speech to the answer's first frame.",
        labels: ["provider"], buckets: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5])
    package static let providerErrors = Family(
        "voice_provider_errors_total", .counter, help: "Failures of a provider by kind.",
        labels: ["provider", "error_type"])
    package static let providerRequests = Family(
        "voice_provider_requests_total", .counter, help: "Connections opened and answers begun.",
        labels: ["provider", "request_type"])
    package static let providerLatency = Family(
        "voice_provider_response_latency_seconds", .histogram,
        help: "From connecting to ready (connect), from asking to the first audio (answer).",
        labels: ["provider", "request_type"], buckets: [0.1, 0.25, 0.5, 1, 2, 5])
    package static let providerRenewals = Family(
        "voice_provider_renewals_total", .counter,
        help: "Conversations that moved to a younger connection of their provider.", labels: ["provider"])
    package static let prewarmReady = Family(
        "voice_provider_prewarmed", .gauge, help: "Connections kept ready for conversations.", labels: ["provider"])
    package static let prewarmEnds = Family(
        "voice_provider_prewarmed_total", .counter,
        help: "What became of connections kept ready: taken, aged, failed.", labels: ["provider", "result"])
    package static let inputTokens = Family(
        "voice_provider_input_tokens_total", .counter,
        help: "Input tokens of answers: cached ones cost a tenth and less.", labels: ["provider", "kind"])
    package static let cachedRatio = Family(
        "voice_provider_cached_tokens_ratio", .gauge,
        help: "Share of the input tokens that came from the provider's cache, since the process began.",
        labels: ["provider"])
    package static let rejoins = Family(
        "voice_rejoins_total", .counter, help: "Participants who came back.", labels: ["kind"])
    package static let relaysActive = Family(
        "voice_relays_active", .gauge,
        help: "Connections that this process passes on to the process that runs their conversation.")
    package static let relays = Family(
        "voice_relays_total", .counter,
        help: "What became of connections that were to be passed on to another process.", labels: ["result"])
    package static let drainRemaining = Family(
        "voice_drain_sessions_remaining", .gauge, help: "Conversations that a drain still waits for.")
    package static let loopLag = Family(
        "voice_loop_lag_seconds", .gauge, help: "How late the loop turns: p99 of the last ten seconds.",
        labels: ["loop"])
    package static let memoryShare = Family(
        "voice_memory_used_ratio", .gauge,
        help: "Part of the memory that this process may use (cgroup, else machine) which is in use; 0: not known.")
    package static let joinsWaiting = Family(
        "voice_joins_waiting", .gauge, help: "Joins that are being decided at this moment.")
    package static let storeUp = Family("voice_store_up", .gauge, help: "1 while the store answers.")
    package static let storeConnections = Family(
        "voice_store_connections", .gauge,
        help: "Connections to PostgreSQL: configured, up, busy. Absent with SQLite.", labels: ["state"])
    package static let storeWaiting = Family(
        "voice_store_waiting_calls", .gauge, help: "Calls that no connection has taken up yet.")
    package static let storeCalls = Family(
        "voice_store_calls_total", .counter, help: "Transactions asked of PostgreSQL.")
    package static let storeFailures = Family(
        "voice_store_failures_total", .counter,
        help: "Transactions that were not answered as wished, by SQLSTATE class or our own word.", labels: ["code"])
    package static let storeRetries = Family(
        "voice_store_retries_total", .counter,
        help: "Transactions begun again after a deadlock or a serialization failure.")
    package static let storeReconnects = Family(
        "voice_store_reconnects_total", .counter, help: "Connections to PostgreSQL that were opened again.")
    package static let storeCommits = Family(
        "voice_store_group_commits_total", .counter, help: "Transactions that carried journals of many conversations.")
    package static let storeCommitted = Family(
        "voice_store_group_commit_operations_total", .counter,
        help: "Appends and ends that group commits carried: their number for each commit is what it saves.")
    package static let journalWaiting = Family(
        "voice_journal_spool_records", .gauge, help: "Journal records that wait for the store.")
    package static let journalFenced = Family(
        "voice_journal_fenced_records_total", .counter,
        help: "Journal records refused because another owns the session.")
    package static let journalRefused = Family(
        "voice_journal_refused_records_total", .counter,
        help: "Journal records that the store refused for what they are: a defect.")
    package static let spoolFull = Family(
        "voice_journal_spool_full", .gauge, help: "1 while the spool takes nothing more: its size or the disk's.")
    package static let unsettled = Family(
        "voice_sessions_unsettled", .gauge, help: "Conversations that are over and whose rest waits for the store.")
    package static let leaseConfirmed = Family(
        "voice_lease_confirmed", .gauge, help: "1 while this process may claim: its lease was renewed in time.")
    package static let wakeUps = Family(
        "voice_wake_ups_total", .counter,
        help: "Times that a loop had not turned for a second and asked whose its conversations are.",
        labels: ["result"])
    package static let suspects = Family(
        "voice_suspect_sessions_total", .counter,
        help: "Conversations that an earlier process had in hand when it died: marked, ended at the second time.",
        labels: ["result"])
    package static let recordingFailures = Family(
        "voice_recording_failures_total", .counter, help: "Recordings that could not be written in full.")
    package static let restarts = Family(
        "voice_session_restarts_total", .counter, help: "Sessions begun anew after a fault of ours, by cause.",
        labels: ["cause"])
    package static let partsPending = Family(
        "voice_recording_parts_pending", .gauge, help: "Finished parts that are not in the object store yet.")
    package static let diskFree = Family(
        "voice_disk_free_bytes", .gauge, help: "What may still be written where this folder lies.", labels: ["folder"])
    package static let refusals = Family(
        "voice_joins_refused_total", .counter, help: "Connections refused at the door, by code.", labels: ["code"])
    package static let disconnects = Family(
        "voice_participant_disconnects_total", .counter, help: "Participant connections that ended, by cause.",
        labels: ["cause"])
    package static let badPackets = Family(
        "voice_audio_bad_packets_total", .counter, help: "Opus packets that did not decode and were concealed.")
    package static let buildInfo = Family(
        "voice_build_info", .gauge, help: "Always 1; the build as labels.", labels: ["version"])

    package static let all: [Family] = [
        sessionsActive, sessionsCapacity, sessionsByState, sessionsReaped, ttfv, sessionDuration, sessionCost,
        turnLatency, providerErrors, providerRequests, providerLatency, providerRenewals, prewarmReady, prewarmEnds,
        inputTokens, cachedRatio, rejoins, relaysActive, relays, drainRemaining, loopLag, memoryShare, joinsWaiting,
        storeUp, storeConnections, storeWaiting, storeCalls, storeFailures, storeRetries, storeReconnects, storeCommits,
        storeCommitted, journalWaiting, journalFenced, journalRefused, spoolFull, unsettled, leaseConfirmed, wakeUps,
        suspects,
        recordingFailures, partsPending, diskFree, restarts, refusals, disconnects, badPackets,
        buildInfo,
    ]
}
