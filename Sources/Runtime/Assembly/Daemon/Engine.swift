import EventLoops
import FlightRecording
import InterviewCore
import LocalDisk
import Logging
import OggRecorder
import OpenAIRealtimeProvider
import Opus
import OpusCodecs
import Ports
import Sessions
import Settings
import WebSocketTransport
import WebSockets
import WireFormats

/// The parts of a daemon that must be made in a certain order: all loops, then all WebSocket contexts on them, and
/// only then may anything start.
struct Engine {
    let loops: [EventLoop]
    let contexts: [WebSocketContext]
    /// The acceptor's own: a flood at the door must not delay a conversation.
    let doorLoop: EventLoop
    private let configuration: Configuration
    private let log: Logger

    init(_ configuration: Configuration, probe: (any FramePathProbe)?, log: Logger) throws(AssemblyError) {
        self.configuration = configuration
        self.log = log
        let count = configuration.loops == 0 ? LoopCount.automatic() : configuration.loops
        do {
            var loops: [EventLoop] = []
            for index in 0..<count { loops.append(try EventLoop(index: index, framePathProbe: probe)) }
            self.loops = loops
            doorLoop = try EventLoop(index: count)
        } catch { throw .loops("no event loop: \(error)") }
        WebSocketContext.setLog { line in log.debug("websocket library", metadata: ["line": "\(line)"]) }
        do { contexts = try WebSocketContext.makeAll(on: loops, trust: .system) } catch {
            throw .loops("no WebSocket context: \(error)")
        }
    }

    /// Its file lies in the state folder. Nil when it cannot be made: conversations are worth more.
    func flightRecorder(instance: InstanceID, places: Int) -> MappedFlightRecorder? {
        do {
            let recorder = try MappedFlightRecorder(
                folder: configuration.stateFolder, instance: instance, loops: loops.count, places: places)
            for loop in loops { loop.flight = recorder.loop(loop.index) }
            return recorder
        } catch {
            log.warning("no flight recorder", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Finished parts go to the objects' folder, those too that an earlier process left.
    func recorders(agentRate: Int) -> OggRecorderFactory {
        var settings = RecorderSettings(folder: configuration.recordingsFolder)
        let codecs = OpusAudioCodecs(settings: OpusEncoderSettings(configuration.encoder))
        if let lookahead = try? codecs.lookahead(rate: agentRate) {
            settings.agentPreSkip = UInt16(clamping: lookahead * 48_000 / agentRate)
        }
        return OggRecorderFactory(
            settings: settings, objects: FolderObjectStore(folder: configuration.objectsFolder), logger: log)
    }

    func services(
        _ foundations: Foundations, instance: InstanceID, provider: OpenAIRealtimeFactory,
        recorders: OggRecorderFactory,
        codecs substitute: (any AudioCodecs)?
    ) throws(AssemblyError) -> SessionServices {
        let codecs = OpusAudioCodecs(settings: OpusEncoderSettings(configuration.encoder))
        let prices: PriceBook
        do {
            prices = try Documents.prices(
                file: configuration.pricesFile,
                models: [configuration.openAI.model] + (configuration.openAI.transcriptionModel.map { [$0] } ?? []))
        } catch { throw .configuration("\(error)") }
        let metrics = MetricsRegistry()
        let spool = SpoolSettling(
            spool: SpoolFile(folder: "\(configuration.stateFolder)/spool", instance: instance),
            store: foundations.store, metrics: metrics, log: log)
        return SessionServices(
            store: foundations.store, tokens: foundations.tokens, codecs: substitute ?? codecs, provider: provider,
            recorders: recorders, prices: prices,
            metrics: metrics, spool: spool, owners: OwnerLine(loop: doorLoop), leaseClock: { SleepClock.now },
            storePool: { [pool = foundations.pool] in pool?() },
            loopTiming: { loop in
                guard let lag = (loop as? EventLoop)?.lagQuantiles() else { return SeatPolicy.LoopTiming() }
                return SeatPolicy.LoopTiming(lagP99: lag.p99, samples: lag.samples, still: lag.sinceLastTurn)
            },
            memoryShare: { MemoryUse().share() })
    }

    func provider() throws(AssemblyError) -> OpenAIRealtimeFactory {
        guard let key = configuration.secrets.openAIKey else {
            throw .secrets("OPENAI_API_KEY is not set; set it, or OPENAI_API_KEY_FILE")
        }
        let openAI = configuration.openAI
        let settings = OpenAIRealtimeSettings(
            baseURL: openAI.baseURL, model: openAI.model, apiKey: APIKey(key.reveal()),
            transcriptionModel: openAI.transcriptionModel,
            turnDetection: OpenAITurnDetection(openAI.voiceActivity), voice: openAI.voice,
            connectTimeout: openAI.connectTimeout,
            // After the connection: the session's own exchange of greetings, and a context of hundreds of items.
            readyTimeout: openAI.connectTimeout + .seconds(10), sessionLimit: openAI.sessionLimit,
            goingAwayAfter: openAI.reopenAfter, prewarmSize: configuration.prewarm.size,
            prewarmMaxAge: configuration.prewarm.maxAge)
        let contexts = contexts
        do {
            return try OpenAIRealtimeFactory(settings: settings, loops: loops.count) { index in
                contexts.indices.contains(index) ? contexts[index] : nil
            }
        } catch { throw .provider("providers.openai: \(error)") }
    }

    func acceptor(
        _ foundations: Foundations, admission: any Admission, metrics: MetricsRegistry
    ) -> Acceptor {
        let contexts = contexts
        return Acceptor(
            settings: AcceptorSettings(
                host: configuration.media.host, port: configuration.media.port, origins: configuration.media.origins,
                tokenInQuery: configuration.media.tokenInQuery),
            loop: doorLoop, tokens: foundations.tokens, admission: admission,
            context: { loop in contexts.indices.contains(loop) ? contexts[loop] : nil },
            observer: { [log] refusal in
                metrics.add(Metric.refusals, [refusal])
                // Before a token has been checked anybody may cause this line: it is not for everyday.
                log.debug("connection refused at the door", metadata: ["code": "\(refusal)"])
            },
            relayObserver: { event in
                switch event {
                case .began: metrics.add(Metric.relaysActive)
                case .ended(let end):
                    metrics.add(Metric.relays, [end.rawValue])
                    if end.hadBegun { metrics.add(Metric.relaysActive, by: -1) }
                }
            }, log: log)
    }
}

extension OpenAITurnDetection {
    init(_ configured: Configuration.VoiceActivity) {
        self = .server(
            Server(
                threshold: configured.threshold, prefixMilliseconds: configured.prefixPaddingMilliseconds,
                silenceMilliseconds: configured.silenceMilliseconds))
    }
}

extension OpusEncoderSettings {
    init(_ configured: Configuration.Encoder) {
        self.init()
        switch configured.application {
        case .voip: application = .voip
        case .audio: application = .audio
        case .restrictedLowDelay: application = .restrictedLowDelay
        }
        complexity = configured.complexity
        bitrate = configured.bitrate
    }
}
