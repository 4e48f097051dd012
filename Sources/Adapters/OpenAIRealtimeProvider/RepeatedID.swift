import WireFormats

/// The id that message after message repeats, made into a `String` once: every 20 ms of sound names its item and its
/// response, both too long to be stored without an allocation.
struct RepeatedID {
    private(set) var text = ""
    private var bytes: [UInt8] = []

    /// Takes the next message's id (a JSON string's content); false when it is no text.
    mutating func read(_ content: UnsafeRawBufferPointer) -> Bool {
        if content.elementsEqual(bytes), !bytes.isEmpty { return true }
        guard let text = JSONText.string(content) else { return false }
        self.text = text
        bytes = Array(content)
        return true
    }
}
