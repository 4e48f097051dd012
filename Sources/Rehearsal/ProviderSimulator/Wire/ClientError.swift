/// What the vendor's `error` event says about a client event. The session goes on.
package struct ClientError: Error, Equatable, Sendable {
    package var type = "invalid_request_error"
    package var code: String
    package var message: String
    package var param: String?

    package init(_ code: String, _ message: String, param: String? = nil) {
        self.code = code
        self.message = message
        self.param = param
    }

    static func unknownParameter(_ path: String) -> ClientError {
        ClientError("unknown_parameter", "Unknown parameter: '\(path)'.", param: path)
    }
    static func missing(_ path: String) -> ClientError {
        ClientError("missing_required_parameter", "Missing required parameter: '\(path)'.", param: path)
    }
    static func wrongType(_ path: String, expected: String, got: JSON) -> ClientError {
        ClientError(
            "invalid_type", "Invalid type for '\(path)': expected \(expected), but got \(got.kindName) instead.",
            param: path)
    }
    static func unsupported(_ path: String, value: String, supported: [String]) -> ClientError {
        let names = supported.map { "'\($0)'" }.joined(separator: ", ")
        return ClientError(
            "invalid_value", "Invalid value: '\(value.prefix(64))'. Supported values are: \(names).", param: path)
    }
    static func invalid(_ path: String, _ message: String) -> ClientError {
        ClientError("invalid_value", message, param: path)
    }
}
