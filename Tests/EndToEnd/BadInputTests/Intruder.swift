import Foundation
import ParticipantLoad
import TestKit
import voice_drill

/// Does what a row says, and tells what it got for it. Blocking; on a thread of its own.
struct Intruder: Sendable {
    let port: UInt16
    let ticket: JoinTicket
    let expired: String

    struct Unexpected: Error, CustomStringConvertible { var description: String }

    /// `leaving`: says goodbye when nothing has come of it for a while, well before a silent line counts as dead.
    func act(_ act: BadInput.Act, leaving: Bool) async throws -> BadInput.Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.blocking(act, leaving: leaving) }) }
        }
    }

    /// Says hello and goodbye as one should, so that the session has ended.
    func leaveAtOnce() async throws {
        let answer = try await act(.line(pcm: true, []), leaving: true)
        guard answer == .taken else { throw Unexpected(description: "a good line ended with \(answer)") }
    }

    private func blocking(_ act: BadInput.Act, leaving: Bool) throws -> BadInput.Answer {
        switch act {
        case .knock(let head, _): return try knock(head)
        case .trickle(let start): return try knock(start)
        case .beforeHello(let frames):
            let client = try upgraded()
            for frame in frames { try client.write(frame) }
            return try end(of: client)
        case .line(let pcm, let frames):
            let client = try upgraded()
            try client.write(RawClient.frame(1, Array(hello(pcm: pcm).utf8)))
            try wait(for: "welcome", client)
            // The peer may close while we still write.
            for frame in frames { try? client.write(frame) }
            return try end(of: client, leaving: leaving)
        }
    }

    private func knock(_ head: String) throws -> BadInput.Answer {
        let client = try RawClient.connect(port: port)
        try client.write(filled(head))
        let answer = try client.readToEnd()
        guard let status = answer.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).last,
            let code = try (JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])?["code"] as? String
        else { throw Unexpected(description: "answer \(answer.prefix(200))") }
        return .status(status, code: code)
    }

    private func filled(_ text: String) -> String {
        text.replacing("{session}", with: ticket.id).replacing("{token}", with: ticket.token)
            .replacing("{expired}", with: expired)
    }

    private func upgraded() throws -> RawClient {
        let client = try RawClient.connect(port: port)
        try client.write(
            filled(
                "GET /v1/sessions/{session}/media HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: voiced.v1\r\n"
                    + "Authorization: Bearer {token}\r\n\r\n"))
        let head = try client.readHead()
        guard head.hasPrefix("HTTP/1.1 101 ") else { throw Unexpected(description: String(head.prefix(100))) }
        return client
    }

    private func hello(pcm: Bool) -> String {
        #"{"type":"hello","protocol":1,"audio":{"up":"\#(pcm ? "pcm" : "opus")","down":"opus"},"#
            + #""client":"intruder","agent":"test"}"#
    }

    private func wait(for type: String, _ client: RawClient) throws {
        while let frame = try client.readFrame() {
            if frame.opcode == 1, frame.text.contains(#""type":"\#(type)""#) { return }
            if let code = frame.closeCode { throw Unexpected(description: "closed \(code) before \(type)") }
        }
        throw Unexpected(description: "the end before \(type)")
    }

    private static let patience: Duration = .milliseconds(700)

    /// Reads to the close.
    private func end(of client: RawClient, leaving: Bool = false) throws -> BadInput.Answer {
        var error: String?
        var left = false
        let began = ContinuousClock.now
        while let frame = try client.readFrame() {
            if frame.opcode == 1, let code = Self.field("code", of: "error", in: frame.text) { error = code }
            if let code = frame.closeCode {
                return left && code == 1000 && error == nil ? .taken : .closed(Int(code), error: error)
            }
            if leaving, !left, ContinuousClock.now - began > Self.patience {
                try? client.write(RawClient.frame(1, Array(#"{"type":"leave"}"#.utf8)))
                left = true
            }
        }
        return .cut
    }

    private static func field(_ name: String, of type: String, in text: String) -> String? {
        let object = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
        return object?["type"] as? String == type ? object?[name] as? String : nil
    }
}
