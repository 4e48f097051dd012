import Foundation
import NIOCore

/// What a participant needs to join.
package struct JoinTicket: Sendable, Hashable {
    package var id: String
    package var token: String
    package var media: Address

    package init(id: String, token: String, media: Address) {
        self.id = id
        self.token = token
        self.media = media
    }
}

/// The part of voice-web's REST that a rehearsal uses.
package struct SessionsClient: Sendable {
    private let web: Address
    private let apiKey: String?
    private let http: HTTPRequester

    package init(web: Address, apiKey: String? = nil, group: any EventLoopGroup) {
        self.web = web
        self.apiKey = apiKey
        http = HTTPRequester(group: group)
    }

    private struct Answer: Decodable {
        var id: String
        var token: String
        var mediaURL: String
        enum CodingKeys: String, CodingKey {
            case id, token
            case mediaURL = "media_url"
        }
    }

    /// `POST /v1/sessions`.
    package func create(study: String, participant: String) async throws(ParticipantLoadError) -> JoinTicket {
        let body: [UInt8]
        do {
            body = Array(try JSONEncoder().encode(["study": study, "participant": participant]))
        } catch {
            throw .nonsense(what: "study or participant")
        }
        let answer = try await http.post(web, "/v1/sessions", headers: headers, body: body)
        guard (200...201).contains(answer.status) else {
            throw .refused(status: answer.status, code: Self.code(answer.body))
        }
        return try Self.ticket(answer.body)
    }

    /// The raw document of `GET /v1/sessions/{id}`.
    package func session(_ id: String) async throws(ParticipantLoadError) -> [UInt8] {
        let answer = try await http.get(web, "/v1/sessions/\(id)", headers: headers)
        guard answer.status == 200 else { throw .refused(status: answer.status, code: Self.code(answer.body)) }
        return answer.body
    }

    /// A line of `--join`: what `POST /v1/sessions` answered, or `id token media_url` with blanks between.
    package static func ticket(line: String) throws(ParticipantLoadError) -> JoinTicket {
        if line.first(where: { !$0.isWhitespace }) == "{" { return try ticket(Array(line.utf8)) }
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count == 3 else { throw .nonsense(what: "a line of tokens is: id token media_url") }
        return JoinTicket(id: String(words[0]), token: String(words[1]), media: try Address(String(words[2])))
    }

    private static func ticket(_ json: [UInt8]) throws(ParticipantLoadError) -> JoinTicket {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)) else {
            throw .nonsense(what: "answer of POST /v1/sessions")
        }
        return JoinTicket(id: answer.id, token: answer.token, media: try Address(answer.mediaURL))
    }

    private var headers: [(String, String)] { apiKey.map { [("Authorization", "Bearer \($0)")] } ?? [] }

    private static func code(_ body: [UInt8]) -> String {
        struct Refusal: Decodable { var code: String }
        return (try? JSONDecoder().decode(Refusal.self, from: Data(body)))?.code ?? "none"
    }
}
