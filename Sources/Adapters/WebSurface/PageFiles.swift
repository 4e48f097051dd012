import Crypto
import Foundation
import InterviewCore
import NIOCore
import NIOFoundationCompat

/// The files of `Page`. They are compiled into the program (SwiftPM's `.embedInCode`), so that one file is all there is
/// to deploy: a resource bundle is looked for beside the program and at the path of the build, and traps when it is
/// at neither. The generated constants cannot be listed at run time, so `PageFiles+Embedded.swift` names them;
/// a test compares that list with the folder.
package struct PageFiles: Sendable {
    struct File: Sendable {
        let content: ByteBuffer
        let type: String
        /// Strong entity tag (RFC 9110 section 8.8.3).
        let tag: String
    }

    /// Bytes of one file.
    static let longestFile = 4_194_304
    private let folder: String?
    private let embedded: [String: File]

    /// `folder`: read from there at each request instead, to change the page without building.
    init(folder: String?) {
        self.folder = folder
        var files: [String: File] = [:]
        for (name, bytes) in Self.embeddedFiles {
            guard let type = Self.type(of: name) else { continue }
            files[name] = File(content: ByteBuffer(bytes: bytes), type: type, tag: Self.tag(bytes))
        }
        embedded = files
    }

    func file(_ name: String) -> File? {
        guard Self.isPlain(name) else { return nil }
        guard let folder else { return embedded[name] }
        guard
            let type = Self.type(of: name),
            let data = try? Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(name)),
            data.count <= Self.longestFile
        else { return nil }
        return File(content: ByteBuffer(data: data), type: type, tag: Self.tag(data))
    }

    /// A name in the folder itself: letters, digits, `-` and `_`, and dots that do not begin it.
    static func isPlain(_ name: String) -> Bool {
        !name.hasPrefix(".")
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { Identifier.isPlain($0) }
    }

    /// Nil: a kind of file that the page has no use for, such as its notes.
    package static func type(of name: String) -> String? {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json": "application/json"
        case "webmanifest": "application/manifest+json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "wasm": "application/wasm"
        default: nil
        }
    }

    private static func tag(_ bytes: some DataProtocol) -> String {
        let digest = SHA256.hash(data: bytes).prefix(12)
        return "\"" + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\""
    }
}
