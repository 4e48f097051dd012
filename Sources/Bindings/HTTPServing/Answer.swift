import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// Makes responses. All of them say what they are and forbid guessing (`nosniff`).
package enum Answer {
    /// JSON with sorted keys and a final newline, never cached: what these addresses say is true now.
    package static func json(_ value: some Encodable, status: Int = 200) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = try encoder.encode(value)
        data.append(UInt8(ascii: "\n"))
        return bytes(
            ByteBuffer(data: data), type: "application/json; charset=utf-8", cache: "no-store", status: status)
    }

    package static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200
    ) -> Response {
        bytes(ByteBuffer(string: text), type: type, cache: "no-store", status: status)
    }

    package static func bytes(_ buffer: ByteBuffer, type: String, cache: String, status: Int = 200) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = cache
        headers[.xContentTypeOptions] = "nosniff"
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    package static func error(_ error: APIError) -> Response {
        // `ErrorBody` is three strings: encoding them cannot fail, and if it did the status would still say it.
        var response =
            (try? json(error.body, status: error.status))
            ?? Response(status: HTTPResponse.Status(code: error.status))
        if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
        if !error.allow.isEmpty { response.headers[.allow] = error.allow.joined(separator: ", ") }
        if error.status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}
