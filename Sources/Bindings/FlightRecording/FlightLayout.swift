import CFlightRecorder
import InterviewCore
import Ports

/// How a record lies in memory and in its file: words of eight bytes in the machine's own order, because only the same
/// machine reads it.
///
///     word 0      the mark and the version
///     word 1      number of loops, word 2: number of places
///     word 3      whose thread died (`CFlightRecorder.h`)
///     from 8      one word per loop, each on a cache line of its own: place + 1, and the step in the low byte; 0: nothing
///     from there  one place per session: 8 words of text, filled up with zeros
struct FlightLayout: Sendable, Hashable {
    enum Limits {
        static let loops = 1_024
        static let places = 1 << 20
    }
    /// `voiced`, a flight record, version 1.
    static let mark: UInt64 = 0x766f_6963_6564_0001
    static let headerWords = 8
    static let wordsPerLoop = 8
    /// A session's id has at most 64 characters.
    static let wordsPerPlace = 8
    static let dyingWord = 3

    var loops: Int
    var places: Int

    var words: Int { Self.headerWords + loops * Self.wordsPerLoop + places * Self.wordsPerPlace }
    var bytes: Int { words * 8 }

    func loopWord(_ loop: Int) -> Int { Self.headerWords + loop * Self.wordsPerLoop }
    func placeWord(_ place: Int) -> Int { Self.headerWords + loops * Self.wordsPerLoop + place * Self.wordsPerPlace }

    static func hand(place: Int, step: FlightStep) -> UInt64 { UInt64(place + 1) << 8 | UInt64(step.rawValue) }

    /// What a whole file says; nil: nothing of a known kind.
    static func read(_ words: [UInt64], instance: InstanceID) -> FlightSuspect? {
        guard words.count >= headerWords, words[0] == mark, words[1] <= UInt64(Limits.loops),
            words[2] <= UInt64(Limits.places)
        else { return nil }
        let layout = FlightLayout(loops: Int(words[1]), places: Int(words[2]))
        guard words.count == layout.words else { return nil }
        let dying = words[dyingWord]
        guard dying >= 1, dying <= UInt64(layout.loops) else { return nil }
        let hand = words[layout.loopWord(Int(dying) - 1)]
        let place = hand >> 8
        guard place >= 1, place <= UInt64(layout.places) else { return nil }
        let start = layout.placeWord(Int(place) - 1)
        let text = words[start..<(start + wordsPerPlace)].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
        guard let session = SessionID(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)) else { return nil }
        return FlightSuspect(
            session: session, step: FlightStep(rawValue: UInt8(truncatingIfNeeded: hand)), instance: instance)
    }

    /// A session's id as it stands in its place.
    static func text(_ id: SessionID) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: wordsPerPlace)
        for (index, byte) in id.text.utf8.enumerated() where index < wordsPerPlace * 8 {
            words[index / 8] |= UInt64(byte) << (8 * UInt64(index % 8))
        }
        return words
    }
}

package enum FlightError: Error, Sendable, Hashable {
    /// The file cannot be made, mapped or locked; `code` is errno.
    case file(operation: String, code: Int32)
    /// More loops or places than a record has room for.
    case tooLarge
}
