import Foundation
import WireFormats

extension Configuration {
    /// Who is going to use it: they need different things.
    package enum Purpose: Sendable {
        /// `voiced run`.
        case run
        /// `voiced dev`: everything on this machine, the rest filled in.
        case dev
        /// `voice-web`.
        case web
        /// A tool that needs only the places of files: nothing has to be reachable, no secret is needed.
        case files
    }

    /// Reads the layers and checks the whole. `file`: what `--config` names; nil: the defaults. `overrides`: what
    /// `--set` was given, `key=value` each. Reads the file and the secrets' files, opens no socket, makes nothing.
    package static func load(
        file: String?, environment: [String: String], overrides: [String] = [], purpose: Purpose = .run,
        currentFolder: String = FileManager.default.currentDirectoryPath
    ) throws(ConfigurationErrors) -> Configuration {
        let environment = environment.filter { !$0.value.isEmpty }
        let contents = file.map { ConfigurationFile(path: $0) } ?? ConfigurationFile()
        var names = ConfigurationNames()
        let flags = names.flags(overrides)
        names.check(contents, path: file ?? "")
        names.check(environment: environment)

        var reader = ConfigurationReader(flags: flags, environment: environment, file: contents, path: file)
        var secrets = SecretReader(environment: environment)
        let places = ConfigurationPlaces(
            file: file, environment: environment, currentFolder: currentFolder)
        var configuration = Configuration(&reader, secrets: secrets.readAll(), places: places)
        configuration.fill(for: purpose)
        configuration.warnings = names.warnings
        ConfigurationChecks(purpose: purpose).check(configuration, &reader)

        let problems =
            contents.problems + names.problems + reader.problems + secrets.problems
            + ConfigurationChecks(purpose: purpose).missingSecrets(configuration, secrets)
        guard problems.isEmpty else { throw ConfigurationErrors(problems) }
        return configuration
    }

    init(_ reader: inout ConfigurationReader, secrets: Secrets, places: ConfigurationPlaces) {
        typealias Keys = ConfigurationKeys
        func optional(_ text: String) -> String? { text.isEmpty ? nil : text }
        let state = places.state(reader.read(Keys.stateFolder))
        agent = Listener(host: reader.read(Keys.agentHost), port: reader.read(Keys.agentPort))
        media = Media(
            host: reader.read(Keys.mediaHost), port: reader.read(Keys.mediaPort),
            publicURL: optional(reader.read(Keys.mediaPublicURL)),
            instanceURL: optional(reader.read(Keys.mediaInstanceURL)),
            advertise: optional(reader.read(Keys.mediaAdvertise)), origins: reader.read(Keys.mediaOrigins),
            tokenInQuery: reader.read(Keys.mediaTokenInQuery))
        metrics = Listener(host: reader.read(Keys.metricsHost), port: reader.read(Keys.metricsPort))
        web = Web(
            host: reader.read(Keys.webHost), port: reader.read(Keys.webPort),
            publicURL: optional(reader.read(Keys.webPublicURL)), metricsPort: reader.read(Keys.webMetricsPort))
        stateFolder = state
        adminSocket = places.adminSocket(reader.read(Keys.adminSocket), state: state)
        sqliteFile = places.inState(reader.read(Keys.sqliteFile), "voiced.db", state: state)
        storeConnections = reader.read(Keys.storeConnections)
        recordingsFolder = places.inState(reader.read(Keys.recordingsFolder), "recordings", state: state)
        objectsFolder = places.inState(reader.read(Keys.objectsFolder), "objects", state: state)
        leastFreeBytes = Int64(reader.read(Keys.diskMinFree)) * 1_048_576
        loops = reader.read(Keys.loops)
        capacity = Capacity(
            perLoop: reader.read(Keys.capacityPerLoop), keptPercent: reader.read(Keys.capacityKept),
            loopLag: reader.read(Keys.capacityLoopLag), memoryPercent: reader.read(Keys.capacityMemory))
        limits = Limits(
            idle: reader.read(Keys.limitsIdle), hard: reader.read(Keys.limitsHard),
            rejoin: reader.read(Keys.limitsRejoin), noShow: reader.read(Keys.limitsNoShow),
            sessionBudgetMicros: Int64(reader.read(Keys.limitsSessionBudget)))
        drain = Drain(
            timeout: reader.read(Keys.drainTimeout), strategy: reader.read(Keys.drainStrategy),
            settle: reader.read(Keys.drainSettle))
        openAI = OpenAI(
            baseURL: reader.read(Keys.openAIBaseURL), model: reader.read(Keys.openAIModel),
            transcriptionModel: optional(reader.read(Keys.openAITranscription)),
            voice: reader.read(Keys.openAIVoice), maxOutputTokens: reader.read(Keys.openAIMaxOutput),
            voiceActivity: VoiceActivity(
                threshold: reader.read(Keys.vadThreshold), prefixPaddingMilliseconds: reader.read(Keys.vadPrefix),
                silenceMilliseconds: reader.read(Keys.vadSilence)),
            connectTimeout: reader.read(Keys.openAIConnect), sessionLimit: reader.read(Keys.openAISessionLimit),
            reopenAfter: reader.read(Keys.openAIReopenAfter))
        checksOnWake = reader.read(Keys.checkOnWake)
        prewarm = Prewarm(size: reader.read(Keys.prewarmSize), maxAge: reader.read(Keys.prewarmMaxAge))
        encoder = Encoder(
            application: reader.read(Keys.encoderApplication), complexity: reader.read(Keys.encoderComplexity),
            bitrate: reader.read(Keys.encoderBitrate))
        studiesFolder = places.document(reader.read(Keys.studiesFolder), built: reader.origin("studies.folder"))
        pricesFile = places.document(reader.read(Keys.pricesFile), built: reader.origin("prices.file"))
        log = Log(level: reader.read(Keys.logLevel), format: reader.read(Keys.logFormat))
        self.secrets = secrets
        warnings = []
        printed = reader.printed
    }

    /// What an empty value means to this purpose.
    private mutating func fill(for purpose: Purpose) {
        let everywhere = purpose == .dev ? "127.0.0.1" : "0.0.0.0"
        for path in [\Configuration.agent.host, \.media.host, \.metrics.host, \.web.host]
        where self[keyPath: path].isEmpty {
            self[keyPath: path] = everywhere
        }
        if purpose == .dev {
            if media.publicURL == nil, media.port != 0 {
                media.publicURL = "ws://\(Self.near(media.host)):\(media.port)"
            }
            if web.publicURL == nil, web.port != 0 { web.publicURL = "http://\(Self.near(web.host)):\(web.port)" }
        }
        if media.origins.isEmpty, let page = web.publicURL {
            media.origins = [page]
            // The same page under its other name, for people who type it.
            if purpose == .dev, page.contains("//127.0.0.1:") {
                media.origins.append(page.replacing("//127.0.0.1:", with: "//localhost:"))
            }
        }
    }

    /// A listening address as somebody on this machine calls it.
    private static func near(_ host: String) -> String {
        switch host {
        case "0.0.0.0", "::": "127.0.0.1"
        case let host where host.contains(":"): "[\(host)]"
        case let host: host
        }
    }
}
