/// What a process was told, read and checked: paths are absolute, hosts are addresses, nothing is left to look up.
/// `ConfigurationKeys` says what each value means; `load` makes one.
package struct Configuration: Sendable, Equatable {
    package struct Listener: Sendable, Equatable {
        package var host: String
        /// 0: any free one.
        package var port: Int
    }

    package struct Media: Sendable, Equatable {
        package var host: String
        package var port: Int
        /// `ws(s)://host[:port]`. Nil only in `dev` with port 0, where nobody knows it before the port is bound.
        package var publicURL: String?
        /// Reaches this very process; nil: not configured.
        package var instanceURL: String?
        /// `host:port` for other processes; nil: not configured.
        package var advertise: String?
        /// Which pages may open a media socket.
        package var origins: [String]
        package var tokenInQuery: Bool
    }

    package struct Web: Sendable, Equatable {
        package var host: String
        package var port: Int
        /// `http(s)://host[:port]`. Nil: the bound address.
        package var publicURL: String?
        /// What studies cost.
        package var metricsPort: Int
    }

    package struct Capacity: Sendable, Equatable {
        package var perLoop: Int
        /// Percent of all seats that only rejoins may take.
        package var keptPercent: Int
        package var loopLag: Duration
        /// Of the memory that the process may use.
        package var memoryPercent: Int
    }

    package struct Limits: Sendable, Equatable {
        package var idle: Duration
        package var hard: Duration
        package var rejoin: Duration
        package var noShow: Duration
        package var sessionBudgetMicros: Int64
    }

    package struct Drain: Sendable, Equatable {
        package var timeout: Duration
        package var strategy: DrainStrategy
        package var settle: Duration
    }

    package struct OpenAI: Sendable, Equatable {
        /// `/realtime` is appended.
        package var baseURL: String
        package var model: String
        /// Nil: the participant is not transcribed.
        package var transcriptionModel: String?
        package var voice: String
        package var maxOutputTokens: Int
        package var voiceActivity: VoiceActivity
        package var connectTimeout: Duration
        package var sessionLimit: Duration
        package var reopenAfter: Duration
    }

    package struct Prewarm: Sendable, Equatable {
        /// 0: none.
        package var size: Int
        package var maxAge: Duration
    }

    /// The provider's `server_vad`.
    package struct VoiceActivity: Sendable, Equatable {
        package var threshold: Double
        package var prefixPaddingMilliseconds: Int
        package var silenceMilliseconds: Int
    }

    package struct Encoder: Sendable, Equatable {
        package var application: EncoderApplication
        package var complexity: Int
        /// Bits per second.
        package var bitrate: Int
    }

    package struct Log: Sendable, Equatable {
        package var level: LogLevel
        package var format: LogFormat
    }

    package var agent: Listener
    package var media: Media
    package var metrics: Listener
    package var web: Web
    package var adminSocket: String
    package var stateFolder: String
    package var sqliteFile: String
    /// Of each process, to PostgreSQL.
    package var storeConnections: Int
    package var recordingsFolder: String
    package var objectsFolder: String
    /// Bytes; 0: no limit.
    package var leastFreeBytes: Int64
    /// 0: `LoopCount.automatic()`.
    package var loops: Int
    package var capacity: Capacity
    package var limits: Limits
    package var drain: Drain
    package var openAI: OpenAI
    /// False only in a rehearsal: a process that has slept goes on without asking whose its conversations are.
    package var checksOnWake: Bool
    package var prewarm: Prewarm
    package var encoder: Encoder
    package var studiesFolder: String
    package var pricesFile: String
    package var log: Log
    package var secrets: Secrets
    /// What is odd but no reason to stop; for the log.
    package var warnings: [String]
    /// Every key with its value as YAML would say it: what `Reload` compares. Holds no secret.
    package var printed: [String: String]
}

/// What happens to the conversations of a process that is told to end.
package enum DrainStrategy: String, Sendable, CaseIterable {
    /// They finish here, until `drain.timeout`.
    case finish
    /// They move to another process.
    case move
}

/// libopus' `OPUS_APPLICATION_*`.
package enum EncoderApplication: String, Sendable, CaseIterable {
    case voip
    case audio
    case restrictedLowDelay = "restricted_lowdelay"
}

/// swift-log's levels.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

package enum LogFormat: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON elsewhere.
    case auto
    case json
    case text
}
