import Foundation

/// An input that ended a worker or broke an invariant.
struct Failure: Encodable {
    var target: String
    var seed: UInt64
    /// The input's number.
    var index: Int
    var cause: String
    var bytes: Int
    /// The first bytes.
    var hex: String
    /// Where the whole input is; nil when it could not be saved, or is of no use (sabotage).
    private(set) var saved: String?
    private let input: [UInt8]

    private static let longestHex = 4_096

    init(_ hand: HandFile, target: String, seed: UInt64, cause: String) {
        input = hand.input
        self.target = target
        self.seed = seed
        index = hand.index
        self.cause = cause
        bytes = input.count
        hex = Self.hex(input.prefix(Self.longestHex))
    }

    enum CodingKeys: String, CodingKey { case target, seed, index, cause, bytes, hex, saved }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// Only when the run is over: what is in the corpus decides which inputs are made.
    mutating func save(root: String) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let folder = Corpus.folder(of: target, root: root)
        let path = "\(folder)/crash-\(String(hash, radix: 16)).bin"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(input).write(to: URL(fileURLWithPath: path))
            saved = path
        } catch {
            saved = nil
        }
    }

    /// For people.
    var report: String {
        """
        voice-fuzz: target \(target), seed \(seed), input \(index) of \(bytes) bytes: \(cause)
          hex: \(hex)\(bytes > Self.longestHex ? "…" : "")
        """
    }
}
