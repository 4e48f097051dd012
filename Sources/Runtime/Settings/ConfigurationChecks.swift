/// What single values cannot tell: how they go together, and what a purpose needs.
struct ConfigurationChecks {
    let purpose: Configuration.Purpose

    func check(_ configuration: Configuration, _ reader: inout ConfigurationReader) {
        checkAddresses(configuration, &reader)
        checkPorts(configuration, &reader)
        checkLimits(configuration, &reader)
        if configuration.drain.strategy == .move {
            reader.complain(
                "drain.strategy", "\"move\" does not work in this version",
                "write finish: interviews end where they are")
        }
    }

    private func checkAddresses(_ configuration: Configuration, _ reader: inout ConfigurationReader) {
        guard purpose != .dev, purpose != .files else { return }
        if configuration.media.publicURL == nil, reader.isSound("media.public_url") {
            reader.complain(
                "media.public_url", "is missing",
                "write where participants reach the media port, for example wss://media.interviews.example")
        }
        if purpose == .web, configuration.web.publicURL == nil, reader.isSound("web.public_url") {
            reader.complain(
                "web.public_url", "is missing",
                "write where participants reach the page, for example https://interviews.example")
        }
        if let page = configuration.web.publicURL, let media = configuration.media.publicURL,
            page.hasPrefix("https://"), media.hasPrefix("ws://")
        {
            reader.complain(
                "media.public_url", "is ws:// although web.public_url is https://",
                "write wss://: browsers let no page of https open ws://")
        }
    }

    /// Two listeners of one process cannot share a port.
    private func checkPorts(_ configuration: Configuration, _ reader: inout ConfigurationReader) {
        guard purpose != .files else { return }
        var listeners = [("media.port", configuration.media.port)]
        if purpose != .web {
            listeners = [("agent.port", configuration.agent.port)] + listeners
            listeners.append(("metrics.port", configuration.metrics.port))
        }
        if purpose != .run {
            listeners.append(("web.port", configuration.web.port))
            listeners.append(("web.metrics_port", configuration.web.metricsPort))
        }
        if purpose == .web { listeners.removeAll { $0.0 == "media.port" } }
        var taken: [Int: String] = [:]
        for (name, port) in listeners where port != 0 && reader.isSound(name) {
            if let other = taken[port] {
                reader.complain(name, "\(port) is \(other) too", "give each listener a port of its own, or 0")
            }
            taken[port] = name
        }
    }

    private func checkLimits(_ configuration: Configuration, _ reader: inout ConfigurationReader) {
        if configuration.limits.idle >= configuration.limits.hard, reader.isSound("limits.idle", "limits.hard") {
            reader.complain("limits.idle", "is not below limits.hard", "write less, or raise limits.hard")
        }
        if configuration.openAI.reopenAfter >= configuration.openAI.sessionLimit,
            reader.isSound("providers.openai.reopen_after", "providers.openai.session_limit")
        {
            reader.complain(
                "providers.openai.reopen_after", "is not below providers.openai.session_limit",
                "write less: five minutes before it leave time for a boundary between two turns")
        }
        if configuration.prewarm.maxAge >= configuration.openAI.reopenAfter,
            reader.isSound("prewarm.max_age", "providers.openai.reopen_after")
        {
            reader.complain(
                "prewarm.max_age", "is not below providers.openai.reopen_after",
                "write less: an interview would be reopened as soon as it has begun")
        }
        if configuration.drain.settle > configuration.drain.timeout,
            reader.isSound("drain.settle", "drain.timeout"), configuration.drain.timeout > .zero
        {
            reader.complain("drain.settle", "is above drain.timeout", "write less, or raise drain.timeout")
        }
    }

    func missingSecrets(_ configuration: Configuration, _ secrets: SecretReader) -> [ConfigurationProblem] {
        let complained = Set(secrets.problems.map { $0.key.replacing("_FILE", with: "") })
        func need(_ name: SecretReader.Name, _ secret: Secret?, _ remedy: String) -> ConfigurationProblem? {
            guard secret == nil, !complained.contains(name.rawValue) else { return nil }
            return ConfigurationProblem(key: name.rawValue, problem: "is missing", remedy: remedy)
        }
        let token = need(
            .token, configuration.secrets.tokenSecret,
            "set it or VOICED_TOKEN_SECRET_FILE, the same for voiced and voice-web; make one with: openssl rand -hex 32"
        )
        switch purpose {
        case .dev, .files: return []
        case .run:
            let key = need(
                .openAI, configuration.secrets.openAIKey,
                "set it or OPENAI_API_KEY_FILE to the provider's key; a simulator takes any")
            return [key, token].compactMap(\.self)
        case .web:
            let keys = need(
                .apiKeys, configuration.secrets.apiKeys,
                "set it or VOICED_API_KEYS_FILE to name:sha256, where sha256 is `printf %s KEY | sha256sum`")
            return [token, keys].compactMap(\.self)
        }
    }
}
