import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import WireFormats

/// HTTP over the admin socket. One request per run of the program.
struct AdminClient {
    let path: String
    /// Bytes of an answer; 10,000 sessions are some 3 MB.
    private static let longestAnswer = 33_554_432
    private static let patience = TimeAmount.seconds(10)

    /// The answer as text, for `--json`, and as a value.
    struct Reply<Value: Decodable & Sendable>: Sendable {
        let text: String
        let value: Value
    }

    func get<Value: Decodable & Sendable>(_ uri: String, _ type: Value.Type) async throws -> Reply<Value> {
        try await send(.GET, uri, body: nil, type)
    }

    func post<Value: Decodable & Sendable>(
        _ uri: String, _ body: some Encodable, _ type: Value.Type
    ) async throws -> Reply<Value> {
        try await send(.POST, uri, body: ByteBuffer(data: try JSONEncoder().encode(body)), type)
    }

    private func send<Value: Decodable & Sendable>(
        _ method: HTTPMethod, _ uri: String, body: ByteBuffer?, _ type: Value.Type
    ) async throws -> Reply<Value> {
        guard let url = URL(httpURLWithSocketPath: path, uri: uri) else { throw Failure.noSocket([path]) }
        var configuration = HTTPClient.Configuration(timeout: .init(connect: Self.patience))
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(configuration: configuration)
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        let answer: (status: Int, data: Data)
        do {
            let response = try await client.execute(request, timeout: Self.patience)
            let bytes = try await response.body.collect(upTo: Self.longestAnswer)
            answer = (Int(response.status.code), Data(buffer: bytes))
            try await client.shutdown()
        } catch {
            try? await client.shutdown()
            throw translated(error)
        }
        return try read(answer.status, answer.data)
    }

    private func read<Value: Decodable & Sendable>(_ status: Int, _ data: Data) throws(Failure) -> Reply<Value> {
        guard (200...299).contains(status) else {
            if let error = try? JSONDecoder().decode(ErrorBody.self, from: data) {
                throw .refused(code: error.code, message: error.message)
            }
            throw .strange("status \(status)")
        }
        guard let value = try? JSONDecoder().decode(Value.self, from: data) else { throw .strange("its JSON") }
        return Reply(text: String(decoding: data, as: UTF8.self), value: value)
    }

    private func translated(_ error: any Error) -> Failure {
        switch error {
        case let error as Failure: return error
        case let error as IOError where error.errnoCode == ECONNREFUSED: return .nobodyThere(path)
        case let error as IOError where error.errnoCode == EACCES: return .notPermitted(path)
        case let error as IOError where error.errnoCode == ENOENT: return .noSocket([path])
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
            return .noAnswer(path)
        case is HTTPClientError: return .nobodyThere(path)
        default: return .strange("\(type(of: error))")
        }
    }
}
