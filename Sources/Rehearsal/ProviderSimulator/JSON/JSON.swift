/// A JSON value whose objects keep the order of their members, so that what the simulator writes is the same every
/// time.
package indirect enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    package var string: String? {
        if case .string(let value) = self { return value }
        return nil
    }
    package var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }
    package var integer: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }
    /// Any number, whole or not.
    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
    package var array: [JSON]? {
        if case .array(let value) = self { return value }
        return nil
    }
    package var object: JSONObject? {
        if case .object(let value) = self { return value }
        return nil
    }
    /// Nothing for anything but an object.
    package subscript(key: String) -> JSON? { object?[key] }

    /// The noun that error messages use.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a decimal"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// A value that may be missing, as the vendor writes it: null.
    package static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}

/// The members of a JSON object in the order in which they were written. Objects here have a dozen members: a list
/// beats a hash table.
package struct JSONObject: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Member: Equatable, Sendable {
        package var key: String
        package var value: JSON
    }
    package var members: [Member]

    package init() { members = [] }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }

    package subscript(key: String) -> JSON? {
        get { members.first { $0.key == key }?.value }
        set {
            guard let index = members.firstIndex(where: { $0.key == key }) else {
                if let newValue { members.append(Member(key: key, value: newValue)) }
                return
            }
            if let newValue { members[index].value = newValue } else { members.remove(at: index) }
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        object.members = elements.map { JSONObject.Member(key: $0.0, value: $0.1) }
        self = .object(object)
    }
}
