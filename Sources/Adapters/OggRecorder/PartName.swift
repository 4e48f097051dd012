import InterviewCore
import Ports

/// Which part of which recording: `<session>/<epoch>-<part>.ogg`, numbers of six digits so that names sort. Where the
/// part begins stands in its tags (`VOICED_START`).
package struct PartName: Hashable, Sendable, Comparable {
    package var session: String
    package var epoch: Int64
    package var number: Int

    package init(session: String, epoch: Int64, number: Int) {
        self.session = session
        self.epoch = epoch
        self.number = number
    }

    /// Nil: no part's name.
    package init?(session: String, file: String) {
        guard file.hasSuffix(".ogg"), Identifier.isPlain(session) else { return nil }
        let numbers = file.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard numbers.count == 2, numbers.allSatisfy({ (6...18).contains($0.count) && $0.allSatisfy(\.isASCIIDigit) }),
            let epoch = Int64(numbers[0]), let number = Int(numbers[1])
        else { return nil }
        self.init(session: session, epoch: epoch, number: number)
    }

    package var file: String { "\(Self.padded(epoch))-\(Self.padded(Int64(number))).ogg" }
    /// Below the folder of recordings.
    package var path: String { "\(session)/\(file)" }
    /// In the object store.
    package var key: ObjectKey? { ObjectKey("recordings/\(path)") }

    package static func < (left: PartName, right: PartName) -> Bool {
        (left.session, left.epoch, left.number) < (right.session, right.epoch, right.number)
    }

    private static func padded(_ number: Int64) -> String {
        let digits = String(max(0, number))
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
