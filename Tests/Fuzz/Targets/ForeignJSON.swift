import Foundation

/// Foundation's reader, as a second opinion on ours. It costs more than what it judges, so it is asked about a part of
/// the inputs, always the same ones.
enum ForeignJSON {
    /// One in eight, by length.
    static func isAsked(about input: UnsafeRawBufferPointer) -> Bool { input.count & 7 == 3 }

    static func object(_ bytes: UnsafeRawBufferPointer) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
    }

    static func expectAccepted(_ input: UnsafeRawBufferPointer) throws(Broken) {
        guard isAsked(about: input) else { return }
        try expect(object(input) != nil, "what our strict reader accepts is JSON for Foundation too")
    }
}
