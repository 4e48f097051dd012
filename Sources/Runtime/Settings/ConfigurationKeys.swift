/// The table of all keys, in the order of `Manifests/voiced.yaml`.
package enum ConfigurationKeys {
    // MARK: Listeners
    static let agentHost = ConfigurationKey("agent.host", .host, "", everywhere)
    static let agentPort = ConfigurationKey("agent.port", .port, 8081, anyPort)
    static let mediaHost = ConfigurationKey("media.host", .host, "", everywhere)
    static let mediaPort = ConfigurationKey("media.port", .port, 8082, anyPort)
    static let mediaPublicURL = ConfigurationKey(
        "media.public_url", .url(["ws", "wss"], example: "wss://media.interviews.example"), "",
        """
        Where participants reach the media port, as they see it: behind a proxy that ends TLS this is \
        wss://name. It makes the addresses in join links. Required, except by `voiced dev`, which uses its own.
        """)
    static let mediaInstanceURL = ConfigurationKey(
        "media.instance_url", .url(["ws", "wss"], example: "wss://voiced-0.interviews.example"), "",
        "An address that reaches this very process past a load balancer, so that a rejoin finds its conversation in one "
            + "step. Empty: participants come back through media.public_url.")
    static let mediaAdvertise = ConfigurationKey(
        "media.advertise", .text("host:port, or nothing"), "",
        "Where other processes of the installation reach this one's media port, to hand on a participant who came to the "
            + "wrong one. Empty: media.host, or the machine's first address, and the port.")
    static let mediaOrigins = ConfigurationKey(
        "media.origins", .origins, [],
        "Pages that may open a media socket, as browsers send them in `Origin`. Programs that send none are always let "
            + "in: their token decides. Empty: the origin of web.public_url.")
    static let mediaTokenInQuery = ConfigurationKey(
        "media.token_in_query", .flag, false,
        "Also accept the token as ?token=. Off, because proxies write query strings into their logs.")
    static let metricsHost = ConfigurationKey("metrics.host", .host, "", everywhere)
    static let metricsPort = ConfigurationKey("metrics.port", .port, 9090, anyPort)
    static let webHost = ConfigurationKey("web.host", .host, "", everywhere)
    static let webPort = ConfigurationKey("web.port", .port, 3000, anyPort)
    static let webPublicURL = ConfigurationKey(
        "web.public_url", .url(["http", "https"], example: "https://interviews.example"), "",
        """
        Where participants reach the page. Join links begin with it. Browsers give a microphone only to https and \
        to localhost. Required by voice-web; `voiced dev` uses its own address.
        """)
    static let webMetricsPort = ConfigurationKey(
        "web.metrics_port", .port, 9091,
        "Prometheus: /metrics with what each study has cost and may cost. 0: any free port, told in the log.")
    static let adminSocket = ConfigurationKey(
        "admin.socket", .text("a path, or nothing"), "",
        "The Unix socket (0600) that voicectl speaks to. Empty: /run/voiced/admin.sock where that folder can be "
            + "written, else admin.sock in the state folder.")

    // MARK: Storage
    static let stateFolder = ConfigurationKey(
        "state.folder", .text("a path, or nothing"), "",
        "What must survive the process. Local disk, backed up. Empty: $STATE_DIRECTORY (systemd), else "
            + "$XDG_STATE_HOME/voiced, else ~/.local/state/voiced, else /var/lib/voiced.")
    static let sqliteFile = ConfigurationKey(
        "store.sqlite.file", .text("a path, or nothing"), "",
        "Studies, sessions and journals. A relative path begins at the state folder. Empty: voiced.db in it.")
    static let storeConnections = ConfigurationKey(
        "store.connections", .integer(3...100), 4,
        "Connections of this process to PostgreSQL, one more for signals not counted. Used when DATABASE_URL is set, in "
            + "the place of SQLite.")
    static let recordingsFolder = ConfigurationKey(
        "recordings.folder", .text("a path, or nothing"), "",
        "Where recordings are written: Ogg files of two tracks, about 0.6 MB a minute, each of a minute at most. Finished "
            + "ones go to objects.folder at once. Local disk. A relative path begins at the state folder. Empty: "
            + "recordings in it.")
    static let objectsFolder = ConfigurationKey(
        "objects.folder", .text("a path, or nothing"), "",
        "Where finished files are kept for good. A relative path begins at the state folder. Empty: objects in it. On the "
            + "file system of recordings.folder nothing is copied.")
    static let diskMinFree = ConfigurationKey(
        "disk.min_free_mib", .integer(0...10_000_000), 1_024,
        "With less free space than this (MiB) under state.folder, recordings.folder or objects.folder, running interviews "
            + "go on and new ones are refused (`disk` in /health). 0: never.")

    // MARK: Conversations
    static let loops = ConfigurationKey(
        "loops", .integer(0...256), 0,
        "Threads that carry conversations. 0: one for each core that this process may use (cgroup quota included).")
    static let capacityPerLoop = ConfigurationKey(
        "capacity.per_loop", .integer(1...10_000), 100, "Conversations at a time on one loop; above that, 503.")
    static let capacityKept = ConfigurationKey(
        "capacity.kept_percent", .integer(0...50), 10,
        "Percent of all seats that only participants who come back may take, rounded down.")
    static let capacityLoopLag = ConfigurationKey(
        "capacity.loop_lag", .duration(.milliseconds(1)...(.seconds(10))), .milliseconds(20),
        "While the loops turn later than this (p99 of the last ten seconds) nobody new is taken: one more would be heard "
            + "by all.")
    static let capacityMemory = ConfigurationKey(
        "capacity.memory_percent", .integer(10...100), 85,
        "Above this part of the memory that the process may use (its cgroup's limit, else the machine's) nobody new is "
            + "taken. Those who come back are.")
    static let limitsIdle = ConfigurationKey(
        "limits.idle", .duration(.seconds(10)...(.seconds(3_600))), .seconds(120),
        "Without a word of the participant for so long, the interview ends. Stopped while they are disconnected.")
    static let limitsHard = ConfigurationKey(
        "limits.hard", .duration(.seconds(60)...(.seconds(86_400))), .seconds(2_700),
        "The longest interview, interruptions not counted. The agent begins to wrap up a minute before.")
    static let limitsRejoin = ConfigurationKey(
        "limits.rejoin", .duration(.seconds(10)...(.seconds(86_400))), .seconds(120),
        "How long a participant whose connection broke may stay away.")
    static let limitsNoShow = ConfigurationKey(
        "limits.no_show", .duration(.seconds(60)...(.seconds(2_592_000))), .seconds(86_400),
        "How long a join link waits for its participant.")
    static let limitsSessionBudget = ConfigurationKey(
        "limits.session_budget_micros", .integer(10_000...1_000_000_000), 15_000_000,
        "What one interview may cost, in micro-dollars: 15_000_000 is $15. At 90 % the agent wraps up.")
    static let drainTimeout = ConfigurationKey(
        "drain.timeout", .duration(.zero...(.seconds(86_400))), .seconds(300),
        """
        After SIGTERM, how long running interviews may go on before they are cut (participants may then rejoin \
        elsewhere). The orchestrator's grace period must be longer; 45 min spares almost everybody.
        """)
    static let drainStrategy = ConfigurationKey(
        "drain.strategy", .choice, DrainStrategy.finish,
        "finish: interviews end here. (move: they move to another process; not supported by this version.)")
    static let drainSettle = ConfigurationKey(
        "drain.settle", .duration(.zero...(.seconds(60))), .seconds(5),
        "After a drain has begun, how long load balancers get to notice before anything is closed.")

    // MARK: Provider
    static let openAIBaseURL = ConfigurationKey(
        "providers.openai.base_url",
        .url(["ws", "wss"], path: true, optional: false, example: "wss://api.openai.com/v1"), "wss://api.openai.com/v1",
        "OpenAI Realtime, or whatever speaks like it (voice-sim). /realtime is appended. ws:// is without encryption.")
    static let openAIModel = ConfigurationKey(
        "providers.openai.model", .words("a model that prices.file lists"), "gpt-realtime-2.1",
        "The model that speaks. It must be in prices.file.")
    static let openAITranscription = ConfigurationKey(
        "providers.openai.transcription_model", .text("a model that prices.file lists, or nothing"), "gpt-transcribe",
        "The model that writes down what the participant says. Empty: nobody does, and the journal has no text of them."
    )
    static let openAIVoice = ConfigurationKey(
        "providers.openai.voice", .words("a voice of the provider"), "marin",
        "The voice where a study names none.")
    static let openAIMaxOutput = ConfigurationKey(
        "providers.openai.max_output_tokens", .integer(1...4_096), 4_096,
        "The longest single answer; 20 tokens are a second of speech. It also bounds what an interview can cost "
            + "beyond its budget.")
    static let vadThreshold = ConfigurationKey(
        "providers.openai.vad.threshold", .decimal(0...1), 0.5, "How loud speech has to be; higher for noisy rooms.")
    static let vadPrefix = ConfigurationKey(
        "providers.openai.vad.prefix_padding_ms", .integer(0...5_000), 300,
        "Sound before the detected beginning that belongs to the turn.")
    static let vadSilence = ConfigurationKey(
        "providers.openai.vad.silence_duration_ms", .integer(50...5_000), 500,
        "Silence that ends a turn. Part of every answer's latency; too short cuts people off in mid-thought.")
    static let openAIConnect = ConfigurationKey(
        "providers.openai.connect_timeout", .duration(.milliseconds(100)...(.seconds(60))), .seconds(10),
        "How long a connection may take from the first packet to the provider's greeting.")

    static let openAISessionLimit = ConfigurationKey(
        "providers.openai.session_limit", .duration(.seconds(1)...(.seconds(86_400))), .seconds(3_600),
        "After so long the provider ends a connection by itself. Not yours to choose: change it when the provider does."
    )
    static let openAIReopenAfter = ConfigurationKey(
        "providers.openai.reopen_after", .duration(.seconds(1)...(.seconds(86_400))), .seconds(3_300),
        """
        A connection of this age (up to a tenth earlier, by chance) is replaced by a new one at the next boundary \
        between two turns, without the participant noticing. Below session_limit.
        """)
    static let prewarmSize = ConfigurationKey(
        "prewarm.size", .integer(0...1_000), 2,
        "Connections to the provider that this process keeps ready, so that an interview begins a round trip or two "
            + "sooner. Spread over the loops. 0: none.")
    static let prewarmMaxAge = ConfigurationKey(
        "prewarm.max_age", .duration(.seconds(1)...(.seconds(86_400))), .seconds(600),
        "One that nobody needed for so long is replaced. Its age counts toward providers.openai.session_limit.")

    // MARK: Ownership
    static let checkOnWake = ConfigurationKey(
        "ownership.check_on_wake", .flag, true,
        "A process that has slept for a second holds still until the store has said whose its conversations are (half a "
            + "second at most). false: only for rehearsing that the store refuses what a former owner writes.")

    // MARK: Audio
    static let encoderApplication = ConfigurationKey(
        "audio.encoder.application", .choice, EncoderApplication.restrictedLowDelay,
        "libopus' mode for the agent's voice. restricted_lowdelay costs a third of voip.")
    static let encoderComplexity = ConfigurationKey(
        "audio.encoder.complexity", .integer(0...10), 5, "Effort of the encoder: more costs CPU and sounds better.")
    static let encoderBitrate = ConfigurationKey(
        "audio.encoder.bitrate", .integer(6_000...128_000), 48_000, "Bits per second of the agent's voice.")

    // MARK: Documents
    static let studiesFolder = ConfigurationKey(
        "studies.folder", .words("a path"), "studies",
        "YAML files, one study each, named after its id; read at every start into the store. A relative path begins at "
            + "this file's folder.")
    static let pricesFile = ConfigurationKey(
        "prices.file", .words("a path"), "prices.yaml",
        "What the models cost. A model that is used but not listed stops the start. A relative path begins at this "
            + "file's folder.")

    // MARK: Log
    static let logLevel = ConfigurationKey(
        "log.level", .choice, LogLevel.info, "How much is told. Nothing that people say, at any level.")
    static let logFormat = ConfigurationKey(
        "log.format", .choice, LogFormat.auto, "auto: text on a terminal, JSON elsewhere.")

    private static let everywhere = "Address to listen on. Empty: every interface; in `voiced dev` this machine alone."
    private static let anyPort = "0: any free port, told in the log."
}

extension ConfigurationKeys {
    struct Section: Sendable {
        let title: String
        let entries: [ConfigurationEntry]
    }

    static let sections = [
        Section(
            title: "Health and readiness for orchestrators: /livez /readyz /health.",
            entries: [agentHost.entry, agentPort.entry]),
        Section(
            title: "The WebSocket that carries the conversations: /v1/sessions/{id}/media.",
            entries: [
                mediaHost.entry, mediaPort.entry, mediaPublicURL.entry, mediaInstanceURL.entry, mediaAdvertise.entry,
                mediaOrigins.entry, mediaTokenInQuery.entry,
            ]),
        Section(title: "Prometheus: /metrics.", entries: [metricsHost.entry, metricsPort.entry]),
        Section(
            title: "REST and the participant's page (voice-web, and `voiced dev`).",
            entries: [webHost.entry, webPort.entry, webPublicURL.entry, webMetricsPort.entry]),
        Section(title: "The operator's door.", entries: [adminSocket.entry]),
        Section(title: "Files.", entries: [stateFolder.entry]),
        Section(title: "", entries: [sqliteFile.entry]),
        Section(title: "", entries: [storeConnections.entry]),
        Section(title: "", entries: [recordingsFolder.entry]),
        Section(title: "", entries: [objectsFolder.entry]),
        Section(title: "", entries: [diskMinFree.entry]),
        Section(title: "How much runs here.", entries: [loops.entry]),
        Section(
            title: "How many conversations, and when nobody new is taken.",
            entries: [capacityPerLoop.entry, capacityKept.entry, capacityLoopLag.entry, capacityMemory.entry]),
        Section(
            title: "Limits of one interview; a study may set its own.",
            entries: [
                limitsIdle.entry, limitsHard.entry, limitsRejoin.entry, limitsNoShow.entry, limitsSessionBudget.entry,
            ]),
        Section(
            title: "How a process ends.", entries: [drainTimeout.entry, drainStrategy.entry, drainSettle.entry]),
        Section(title: "Whose a conversation is.", entries: [checkOnWake.entry]),
        Section(
            title: "Who speaks.",
            entries: [
                openAIBaseURL.entry, openAIModel.entry, openAITranscription.entry, openAIVoice.entry,
                openAIMaxOutput.entry, vadThreshold.entry, vadPrefix.entry, vadSilence.entry, openAIConnect.entry,
                openAISessionLimit.entry, openAIReopenAfter.entry,
            ]),
        Section(
            title: "Connections to the provider before anybody needs them.",
            entries: [prewarmSize.entry, prewarmMaxAge.entry]),
        Section(
            title: "How the agent's voice is encoded for participants.",
            entries: [encoderApplication.entry, encoderComplexity.entry, encoderBitrate.entry]),
        Section(title: "Documents.", entries: [studiesFolder.entry]),
        Section(title: "", entries: [pricesFile.entry]),
        Section(title: "", entries: [logLevel.entry, logFormat.entry]),
    ]

    package static let all = sections.flatMap(\.entries)
}
