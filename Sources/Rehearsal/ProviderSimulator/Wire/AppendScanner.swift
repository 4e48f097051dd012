import Foundation

/// Recognises `input_audio_buffer.append` without building a JSON tree: 50 of them arrive a second and session.
/// What does not look exactly like the plain form (an escape, another member, a nested value) is left to the parser.
package enum AppendScanner {
    package struct Append: Equatable {
        /// Where the base64 text lies in the message.
        package var audio: Range<Int>
        package var eventID: String?
    }

    package static func scan(_ bytes: UnsafeRawBufferPointer) -> Append? {
        var cursor = Cursor(bytes: bytes)
        guard cursor.take(UInt8(ascii: "{")) else { return nil }
        var isAppend = false
        var audio: Range<Int>?
        var eventID: String?
        while true {
            guard let key = cursor.plainString(), cursor.take(UInt8(ascii: ":")), let value = cursor.plainString()
            else { return nil }
            if cursor.equals(key, "type") {
                guard cursor.equals(value, "input_audio_buffer.append") else { return nil }
                isAppend = true
            } else if cursor.equals(key, "audio") {
                audio = value
            } else if cursor.equals(key, "event_id") {
                eventID = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[value]), as: UTF8.self)
            } else {
                return nil
            }
            if cursor.take(UInt8(ascii: ",")) { continue }
            guard cursor.take(UInt8(ascii: "}")), cursor.atEnd, isAppend, let audio else { return nil }
            return Append(audio: audio, eventID: eventID)
        }
    }

    private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var index = 0

        mutating func skipSpace() {
            while index < bytes.count {
                switch bytes[index] {
                case 0x20, 0x09, 0x0A, 0x0D: index += 1
                default: return
                }
            }
        }
        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }
        var atEnd: Bool {
            mutating get {
                skipSpace()
                return index == bytes.count
            }
        }
        /// A string without escapes; nil when there is none here.
        mutating func plainString() -> Range<Int>? {
            guard take(UInt8(ascii: "\"")), let base = bytes.baseAddress, index < bytes.count else { return nil }
            let start = index
            guard let quote = memchr(base + start, Int32(UInt8(ascii: "\"")), bytes.count - start) else { return nil }
            let end = UnsafeRawPointer(quote) - base
            if end > start, memchr(base + start, Int32(UInt8(ascii: "\\")), end - start) != nil { return nil }
            index = end + 1
            return start..<end
        }
        func equals(_ range: Range<Int>, _ word: StaticString) -> Bool {
            guard range.count == word.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
            return memcmp(base + range.lowerBound, word.utf8Start, range.count) == 0
        }
    }
}
