import ArgumentParser
import Dispatch
import Foundation
import Logging
import ProviderSimulator

@main
struct VoiceSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-sim",
        abstract: "A provider to rehearse with: OpenAI Realtime (GA), simulated on this machine.",
        discussion: """
            Point a client at the address that is printed, with any API key:

              voice-sim --port 8090
              # in Python, with the official client
              client = AsyncOpenAI(api_key="any", websocket_base_url="ws://127.0.0.1:8090/v1")
              client.realtime.connect(model="gpt-realtime")

            It listens to the sound it is sent (energy, by the session's turn_detection), answers with speech \
            (espeak-ng where it is installed), honours truncate and cancel, calls tools by script and bills like the \
            vendor.
            What it heard and said is the witness of a rehearsal:

              curl -s http://127.0.0.1:8090/sim/log        all of it, or ?after=SEQ&connection=N&kind=said
              curl -s http://127.0.0.1:8090/sim/health

            A script is JSON: greeting, answers (text, or an object with text, tool, first_audio_ms, fail, \
            content_filter), after_last (repeat_last or start_again), answers_by (answer: one after the other; turn: \
            answer N to the participant's turn N), after_tool, user_transcripts, voice. All may be missing.
            Faults: refuse_429, refuse_401, refuse_500, outage, close_mid_response, half_open, garbage, oversize, \
            failed_response, session_expired, error_event, first_audio, slow_reading. Keys: times (1; 0 for ever), connection (only the Nth), when \
            (answer, speech, turn, opening), deltas (pieces of sound before it), ms (length or delay), close (a code or none), \
            code (of a failed response), bytes (of a message; a second, of slow reading). While it runs:

              voice-sim --fault close_mid_response:deltas=5,close=1011,times=2
              curl -d '{"fault":"outage","ms":3000}' http://127.0.0.1:8090/sim/faults
              curl -X DELETE http://127.0.0.1:8090/sim/faults

            SIGTERM or SIGINT end it with status 0.
            """)

    @Option(help: "Address to listen on.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 takes a free one.") var port = 8_090
    @Option(help: "The only API key that is let in. Without it any key is, but there must be one.") var apiKey: String?
    @Option(help: "File with a script, or 'interview' or 'endless'.") var script = "interview"
    @Option(help: "automatic, espeak or tone.") var voice = "automatic"
    @Option(help: "How many times faster than real time sound is streamed; 0: at once.") var speed = 4.0
    @Option(help: "Milliseconds from the start of an answer to its first sound.") var firstAudioMs = 300
    @Option(help: "Milliseconds from the end of a turn to its transcript.") var transcriptMs = 400
    @Option(help: "PCM bytes of one audio delta; 48 are a millisecond.") var deltaBytes = 4_800
    @Option(help: "Seconds after which a session expires.") var sessionSeconds = 3_600
    @Option(
        name: .customLong("fault"), parsing: .singleValue,
        help: "Something that goes wrong on purpose: KIND[:key=value,…], see above. May be repeated.")
    var faults: [String] = []
    @Option(help: "Ids are drawn from this. Default: by chance, because a store counts an id once for ever.")
    var seed: UInt64?
    @Option(help: "Threads that serve connections.") var threads = 1
    @Option(help: "File for the log, one JSON object a line.") var log: String?
    @Option(help: "Folder for heard-N.pcm and said-N-ITEM.pcm (s16le, 24 kHz, mono).") var audioDir: String?
    @Flag(help: "Print the ready line as JSON.") var json = false

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be 0 to 65535.") }
        guard speed >= 0, speed.isFinite else { throw ValidationError("--speed must be 0 or more.") }
        guard deltaBytes >= 2, deltaBytes % 2 == 0, deltaBytes <= 1 << 20 else {
            throw ValidationError("--delta-bytes must be even, 2 to 1048576.")
        }
        guard sessionSeconds > 0 else { throw ValidationError("--session-seconds must be more than 0.") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 to 64.") }
        guard firstAudioMs >= 0, transcriptMs >= 0 else { throw ValidationError("Latencies must be 0 or more.") }
        guard SimulatorOptions.Voice(rawValue: voice) != nil else {
            throw ValidationError("--voice must be automatic, espeak or tone.")
        }
    }

    func run() async throws {
        let signals = EndingSignals()
        let simulator: Simulator
        let port: Int
        do throws(SimulatorError) {
            // The ready line says it all.
            let silent = Logger(label: "voice-sim") { _ in SwiftLogNoOpLogHandler() }
            simulator = try Simulator(options: try options(), logger: silent)
            port = try await simulator.start()
        } catch {
            throw ValidationError(Self.explain(error))
        }
        let address = "ws://\(host):\(port)/v1/realtime"
        let line = json ? #"{"url":"\#(address)","port":\#(port)}"# : "voice-sim is ready at \(address)"
        // Not `print`, whose buffer a reader on a pipe would wait for.
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
        for await _ in signals.arrivals { break }
        await simulator.stop()
    }

    private func options() throws(SimulatorError) -> SimulatorOptions {
        var options = SimulatorOptions()
        options.host = host
        options.port = port
        options.apiKey = apiKey
        options.script = try readScript()
        options.voice = SimulatorOptions.Voice(rawValue: voice) ?? .automatic
        options.streamingSpeed = speed
        options.firstAudioLatency = .milliseconds(firstAudioMs)
        options.transcriptionLatency = .milliseconds(transcriptMs)
        options.deltaBytes = deltaBytes
        options.sessionDuration = .seconds(sessionSeconds)
        options.seed = seed ?? .random(in: 1 ... .max)
        options.threads = threads
        options.logPath = log
        options.audioFolder = audioDir
        for fault in faults { options.faults.append(try Fault(flag: fault)) }
        return options
    }

    private func readScript() throws(SimulatorError) -> Script {
        if let known = Script.builtIn[script] { return known }
        guard let data = FileManager.default.contents(atPath: script) else {
            throw .invalidScript("no such file, and none of \(Script.builtIn.keys.sorted().joined(separator: ", "))")
        }
        return try Script(json: [UInt8](data))
    }

    private static func explain(_ error: SimulatorError) -> String {
        switch error {
        case .cannotListen(let reason): "Cannot listen: \(reason)"
        case .cannotWrite(let path): "Cannot write to \(path)"
        case .voiceUnavailable(let reason): "No voice: \(reason)"
        case .invalidScript(let reason): "Script: \(reason)"
        case .invalidFault(let reason): "Fault: \(reason)"
        case .alreadyStarted: "Already started."
        }
    }
}

/// SIGTERM and SIGINT, which no longer end the process by themselves while this lives.
private struct EndingSignals {
    let arrivals: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        arrivals = stream
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }
}
