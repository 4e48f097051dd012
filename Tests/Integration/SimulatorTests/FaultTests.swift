import ProviderSimulator
import Testing

/// What goes wrong on purpose, seen by a client, and what the witness says of it.
@Suite struct FaultTests {
    private static func options() -> SimulatorOptions {
        var options = SimulatorOptions()
        options.voice = .tone
        options.streamingSpeed = 0
        options.firstAudioLatency = .milliseconds(20)
        options.script = Script(
            greeting: Script.Answer("Hello, and welcome."), answers: [Script.Answer("Please go on.")])
        return options
    }

    @Test(
        "a fault looks to a client as it should, happens as often as it should, and is in the log",
        arguments: [
            ("refuse_429", 2), ("refuse_401", 2), ("refuse_500", 2), ("outage", 1), ("close_mid_response", 2),
            ("half_open", 1), ("half_open_turn", 1), ("half_open_opening", 1), ("slow_reading", 1), ("garbage", 1),
            ("oversize", 1), ("failed_response", 2),
            ("session_expired", 1), ("error_event", 1), ("first_audio", 1), ("by_connection", 3),
        ])
    func fault(name: String, count: Int) async throws {
        let simulator = try Simulator(options: Self.options())
        let port = try await simulator.start()
        let (status, output) = try await PythonClient.run("faults.py", ["\(port)", name])
        #expect(status == 0, "\(output)")
        await simulator.stop()
        let log = simulator.log
        #expect(log.entries(of: .fault).count == count)
        #expect(log.entries(of: .connected).count == log.entries(of: .closed).count)
    }

    @Test("a flag says the same as JSON")
    func flags() throws {
        let flag = try Fault(flag: "close_mid_response:deltas=5,close=1011,times=2,connection=3,when=speech,ms=40")
        #expect(
            flag
                == Fault(
                    .closeMidResponse, at: .speech, times: 2, connection: 3, deltas: 5, milliseconds: 40,
                    closeCode: 1_011))
        #expect(try Fault(json: flag.json.withoutNulls) == flag)
        #expect(
            try Fault(flag: "failed_response:code=server_error") == Fault(.failedResponse, errorCode: "server_error"))
        for wrong in ["", "flood", "outage:ms", "outage:ms=soon", "close_mid_response:close=5", "garbage:times=-1"] {
            #expect(throws: SimulatorError.self) { try Fault(flag: wrong) }
        }
    }

    @Test("a fault of the options happens without being asked for, one that was cleared does not")
    func fromTheStart() async throws {
        var options = Self.options()
        options.faults = [Fault(.refuse500, times: 2)]
        let simulator = try Simulator(options: options)
        let port = try await simulator.start()
        let (status, output) = try await PythonClient.run("faults.py", ["\(port)", "from_the_start"])
        #expect(status == 0, "\(output)")
        await simulator.inject(Fault(.refuse401, times: 0))
        await simulator.clearFaults()
        let (later, said) = try await PythonClient.run("faults.py", ["\(port)", "garbage"])
        #expect(later == 0, "\(said)")
        await simulator.stop()
    }
}

extension JSON {
    fileprivate var withoutNulls: JSON {
        guard var object else { return self }
        object.members.removeAll { $0.value == .null }
        return .object(object)
    }
}
