/// What a client event may look like, as data: one walk over it finds the vendor's error for whatever is wrong.
package indirect enum Shape: Sendable {
    case string(maximumLength: Int = 1_048_576)
    case oneOf([String])
    case boolean
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case object([String: Shape], required: [String] = [])
    /// An object whose other members depend on its member `by`.
    case tagged(by: String, [String: [String: Shape]], required: [String: [String]] = [:])
    case list(Shape, maximumCount: Int)
    case nullable(Shape)
    /// The first that fits; the error is that of the last.
    case either([Shape])
    case anything

    package func check(_ value: JSON, at path: String) throws(ClientError) {
        switch self {
        case .string(let maximumLength): try Self.checkString(value, maximumLength, at: path)
        case .oneOf(let names):
            guard let text = value.string else { throw .wrongType(path, expected: "a string", got: value) }
            guard names.contains(text) else { throw .unsupported(path, value: text, supported: names) }
        case .boolean:
            guard value.bool != nil else { throw .wrongType(path, expected: "a boolean", got: value) }
        case .integer(let range):
            guard let number = value.integer else { throw .wrongType(path, expected: "an integer", got: value) }
            try Self.checkRange(Double(number), Double(range.lowerBound), Double(range.upperBound), at: path)
        case .number(let range):
            guard let number = value.double else { throw .wrongType(path, expected: "a decimal", got: value) }
            try Self.checkRange(number, range.lowerBound, range.upperBound, at: path)
        case .object(let members, let required):
            guard let object = value.object else { throw .wrongType(path, expected: "an object", got: value) }
            try Self.checkMembers(object, members, required, at: path)
        case .tagged(let tag, let variants, let required):
            guard let object = value.object else { throw .wrongType(path, expected: "an object", got: value) }
            guard let name = object[tag] else { throw .missing(Self.join(path, tag)) }
            try Shape.oneOf(variants.keys.sorted()).check(name, at: Self.join(path, tag))
            guard let chosen = name.string, var members = variants[chosen] else { return }
            members[tag] = .anything
            try Self.checkMembers(object, members, required[chosen] ?? [], at: path)
        case .list(let element, let maximumCount):
            guard let values = value.array else { throw .wrongType(path, expected: "an array", got: value) }
            guard values.count <= maximumCount else {
                throw ClientError(
                    "array_above_max_length",
                    "Invalid '\(path)': array too long. Expected an array with maximum length \(maximumCount).",
                    param: path)
            }
            for (index, value) in values.enumerated() { try element.check(value, at: "\(path)[\(index)]") }
        case .nullable(let shape):
            if value != .null { try shape.check(value, at: path) }
        case .either(let shapes): try Self.checkAny(shapes, value, at: path)
        case .anything: break
        }
    }

    private static func join(_ path: String, _ member: String) -> String {
        path.isEmpty ? member : "\(path).\(member)"
    }

    private static func checkMembers(
        _ object: JSONObject, _ members: [String: Shape], _ required: [String], at path: String
    ) throws(ClientError) {
        for name in required where object[name] == nil { throw .missing(join(path, name)) }
        for member in object.members {
            guard let shape = members[member.key] else { throw .unknownParameter(join(path, member.key)) }
            try shape.check(member.value, at: join(path, member.key))
        }
    }

    private static func checkString(_ value: JSON, _ maximumLength: Int, at path: String) throws(ClientError) {
        guard let text = value.string else { throw .wrongType(path, expected: "a string", got: value) }
        let length = text.unicodeScalars.count
        guard length > maximumLength else { return }
        throw ClientError(
            "string_above_max_length",
            "Invalid '\(path)': string too long. Expected a string with maximum length \(maximumLength), but got a "
                + "string with length \(length) instead.", param: path)
    }

    private static func checkRange(
        _ number: Double, _ low: Double, _ high: Double, at path: String
    ) throws(ClientError) {
        guard number < low || number > high else { return }
        throw .invalid(path, "Invalid '\(path)': expected a value between \(low) and \(high), but got \(number).")
    }

    private static func checkAny(_ shapes: [Shape], _ value: JSON, at path: String) throws(ClientError) {
        var last: ClientError?
        for shape in shapes {
            do throws(ClientError) {
                return try shape.check(value, at: path)
            } catch {
                last = error
            }
        }
        if let last { throw last }
    }
}
