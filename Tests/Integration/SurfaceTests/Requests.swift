import AsyncHTTPClient
import Foundation
import HTTPServing
import Logging
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import ServiceLifecycle
import Testing

/// An answer as a test looks at it.
struct Reply {
    let status: Int
    let headers: HTTPHeaders
    let data: Data

    var text: String { String(decoding: data, as: UTF8.self) }
    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:] }
    func header(_ name: String) -> String? { headers.first(name: name) }
    /// `code` of an error body.
    var code: String? { json["code"] as? String }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: data)
    }
}

/// Where requests go: a loopback port or a Unix socket.
struct Peer {
    let base: (String) -> String

    static func port(_ port: Int) -> Peer { Peer { "http://127.0.0.1:\(port)\($0)" } }
    static func socket(_ path: String) -> Peer {
        Peer { URL(httpURLWithSocketPath: path, uri: $0)?.absoluteString ?? "" }
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: base(path))
        request.method = method
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            if headers["Content-Type"] == nil { request.headers.add(name: "Content-Type", value: "application/json") }
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let bytes = try await response.body.collect(upTo: 8_388_608)
        return Reply(status: Int(response.status.code), headers: response.headers, data: Data(buffer: bytes))
    }

    func get(_ path: String, headers: [String: String] = [:]) async throws -> Reply {
        try await send(.GET, path, headers: headers)
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `service` while `body` does, then shuts it down gracefully.
func running<Value>(_ service: any Service, _ body: () async throws -> Value) async throws -> Value {
    let group = ServiceGroup(configuration: .init(services: [service], logger: quiet))
    let run = Task { try await group.run() }
    do {
        let value = try await body()
        await group.triggerGracefulShutdown()
        try await run.value
        return value
    } catch {
        await group.triggerGracefulShutdown()
        _ = try? await run.value
        throw error
    }
}

/// A folder of its own under the temporary one, with a path short enough for sockets.
func temporaryFolder() throws -> String {
    let path = "\(FileManager.default.temporaryDirectory.path)/vs-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
