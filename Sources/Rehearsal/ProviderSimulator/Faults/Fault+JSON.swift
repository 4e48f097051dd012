/// Faults as a flag (`KIND:key=value,key=value`) and as JSON (`{"fault": KIND, "key": value}`), with the same keys:
/// `when` (answer, speech, turn, opening), `times`, `connection`, `deltas`, `ms`, `close` (a code or `none`), `code`, `bytes`.
extension Fault {
    private static let shape = Shape.object(
        [
            "fault": .oneOf(Kind.allCases.map(\.rawValue)), "when": .oneOf(Moment.allCases.map(\.rawValue)),
            "times": .integer(0...1_000_000), "connection": .integer(1...1_000_000_000),
            "deltas": .integer(0...maximumDeltas), "ms": .integer(0...maximumMilliseconds),
            "close": .either([.integer(1_000...4_999), .oneOf(["none"])]), "code": .string(maximumLength: 64),
            "bytes": .integer(1...maximumBytes),
        ], required: ["fault"])

    /// Throws `invalidFault` with a text that names the member and what is wrong with it.
    package init(json: JSON) throws(SimulatorError) {
        do throws(ClientError) {
            guard json.object != nil else { throw .wrongType("fault", expected: "an object", got: json) }
            try Self.shape.check(json, at: "")
        } catch {
            throw .invalidFault(error.message)
        }
        guard let kind = json["fault"]?.string.flatMap(Kind.init(rawValue:)) else {
            throw .invalidFault("fault is missing")
        }
        self.init(
            kind, at: json["when"]?.string.flatMap(Moment.init(rawValue:)) ?? .answer,
            times: json["times"]?.integer ?? 1, connection: json["connection"]?.integer,
            deltas: json["deltas"]?.integer, milliseconds: json["ms"]?.integer,
            closeCode: json["close"]?.integer.flatMap { UInt16(exactly: $0) },
            errorCode: json["code"]?.string ?? "rate_limit_exceeded",
            bytes: json["bytes"]?.integer)
    }

    /// Of a flag.
    package init(flag: String) throws(SimulatorError) {
        let halves = flag.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var object: JSONObject = ["fault": .string(String(halves[0]))]
        for pair in (halves.count > 1 ? halves[1] : "").split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { throw .invalidFault("'\(pair)' is not key=value") }
            let value = String(sides[1])
            object[String(sides[0])] = Int(value).map { .integer($0) } ?? .string(value)
        }
        try self.init(json: .object(object))
    }

    /// The body of `POST /sim/faults`: one fault or a list of them.
    package static func list(json bytes: [UInt8]) throws(SimulatorError) -> [Fault] {
        guard let json = try? JSONParser.parse(bytes) else { throw .invalidFault("the body is not JSON") }
        var faults: [Fault] = []
        for entry in json.array ?? [json] { faults.append(try Fault(json: entry)) }
        return faults
    }

    package var json: JSON {
        [
            "fault": .string(kind.rawValue), "when": .string(moment.rawValue), "times": .integer(times),
            "connection": connection.map { .integer($0) } ?? .null, "deltas": .integer(deltas),
            "ms": .integer(milliseconds), "close": closeCode.map { .integer(Int($0)) } ?? "none",
            "code": .string(errorCode), "bytes": .integer(bytes),
        ]
    }
}
