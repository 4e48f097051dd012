import Foundation
import InterviewCore

/// Reads the body of one event.
struct OpenAIBodyReader {
    let data: Data

    func read<Body: Decodable>(_ body: Body.Type) throws -> Body {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(body, from: data)
    }
}

/// The bodies of server events as the vendor spells them. Only what `OpenAIServerEvent` keeps is here; required is
/// only what an event means nothing without, because a vendor's field may come and go.
enum OpenAIBody {
    struct Missing: Error {}

    static func need<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }

    /// A whole number that a peer wrote, possibly with a fraction, possibly absurd: rounded, and kept within ±10¹².
    struct Count: Decodable {
        static let limit = 1_000_000_000_000
        var value: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let whole = try? container.decode(Int.self) {
                value = min(max(whole, -Self.limit), Self.limit)
            } else {
                let number = try container.decode(Double.self)
                guard number.isFinite else { throw Missing() }
                value = Int(min(max(number.rounded(), -Double(Self.limit)), Double(Self.limit)))
            }
        }
    }

    struct ErrorObject: Decodable {
        var type: String?
        var code: String?
        var param: String?
        var eventId: String?

        var value: OpenAIErrorBody { OpenAIErrorBody(type: type, code: code, param: param, event: eventId) }
    }

    struct Failure: Decodable {
        var error: ErrorObject
        var value: OpenAIErrorBody { error.value }
    }

    struct Session: Decodable {
        struct Body: Decodable {
            var id: String?
            var model: String?
            var expiresAt: Count?
        }
        var session: Body
        var value: OpenAISessionState {
            OpenAISessionState(id: session.id, model: session.model, expiresAt: session.expiresAt?.value)
        }
    }

    struct ItemObject: Decodable {
        var id: String
        var type: String
        var role: String?
        var name: String?
        var callId: String?
        var value: OpenAIServerItem {
            OpenAIServerItem(id: id, type: type, role: role, name: name, call: callId)
        }
    }

    struct Item: Decodable { var item: ItemObject }

    struct OutputItem: Decodable {
        var responseId: String
        var item: ItemObject
    }

    /// Everything about the participant's side, one shape for all.
    struct Input: Decodable {
        var itemId: String
        var audioStartMs: Count?
        var audioEndMs: Count?
        var delta: String?
        var transcript: String?
        var usage: OpenAIUsage?
        var error: ErrorObject?
    }

    /// Everything about one item of an answer, one shape for all.
    struct Output: Decodable {
        var responseId: String
        var itemId: String
        var transcript: String?
        var text: String?
        var callId: String?
        var name: String?
        var arguments: String?
    }

    struct Response: Decodable {
        struct Body: Decodable {
            struct Details: Decodable {
                var reason: String?
                var error: ErrorObject?
            }
            var id: String
            var status: String?
            var statusDetails: Details?
            var usage: OpenAIUsage?
        }
        var response: Body
        var value: OpenAIResponse {
            OpenAIResponse(
                id: response.id, status: response.status.flatMap(OpenAIResponse.Status.init(rawValue:)),
                reason: response.statusDetails?.reason, error: response.statusDetails?.error?.value,
                usage: response.usage?.answer)
        }
    }

    struct RateLimits: Decodable {
        struct Limit: Decodable {
            var name: String?
            var limit: Count?
            var remaining: Count?
        }
        var rateLimits: [Limit]
        var value: [OpenAIRateLimit] {
            rateLimits.map {
                OpenAIRateLimit(name: $0.name ?? "", limit: $0.limit?.value ?? 0, remaining: $0.remaining?.value ?? 0)
            }
        }
    }
}
