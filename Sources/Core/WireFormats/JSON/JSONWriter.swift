/// Writes JSON by hand, in the order of the calls: messages whose shape is fixed, some of whose parts are JSON already.
///
///     var writer = JSONWriter()
///     writer.object { object in
///         object.member("type", "session.update")
///         object.member("session") { session in session.member("type", "realtime") }
///     }
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func object(_ members: (inout Object) -> Void) {
        var object = Object(bytes: bytes)
        bytes = []
        object.open()
        members(&object)
        object.close()
        bytes = object.bytes
    }

    /// Members of one object, separated by commas.
    package struct Object {
        fileprivate var bytes: [UInt8]
        private var isEmpty = true

        fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

        fileprivate mutating func open() { bytes.append(UInt8(ascii: "{")) }
        fileprivate mutating func close() { bytes.append(UInt8(ascii: "}")) }

        private mutating func name(_ name: StaticString) {
            if !isEmpty { bytes.append(UInt8(ascii: ",")) }
            isEmpty = false
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
        }

        package mutating func member(_ name: StaticString, _ text: String) {
            self.name(name)
            string(text)
        }

        package mutating func member(_ name: StaticString, _ number: Int) {
            self.name(name)
            bytes.append(contentsOf: Array(String(number).utf8))
        }

        /// NaN and the infinities, which JSON does not have, are written as null.
        package mutating func member(_ name: StaticString, _ number: Double) {
            self.name(name)
            bytes.append(contentsOf: Array((number.isFinite ? String(number) : "null").utf8))
        }

        package mutating func member(_ name: StaticString, _ flag: Bool) {
            self.name(name)
            bytes.append(contentsOf: Array((flag ? "true" : "false").utf8))
        }

        package mutating func null(_ name: StaticString) {
            self.name(name)
            bytes.append(contentsOf: Array("null".utf8))
        }

        /// `json` is a whole JSON value; whoever hands it in has checked that.
        package mutating func member(_ name: StaticString, json: String) {
            self.name(name)
            bytes.append(contentsOf: Array(json.utf8))
        }

        package mutating func member(_ name: StaticString, _ members: (inout Object) -> Void) {
            self.name(name)
            nested(members)
        }

        package mutating func member(_ name: StaticString, strings: [String]) {
            self.name(name)
            array(strings) { object, text in object.string(text) }
        }

        package mutating func member<Element>(
            _ name: StaticString, objects: [Element], _ members: (inout Object, Element) -> Void
        ) {
            self.name(name)
            array(objects) { object, element in object.nested { members(&$0, element) } }
        }

        private mutating func array<Element>(_ elements: [Element], _ write: (inout Object, Element) -> Void) {
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(&self, element)
            }
            bytes.append(UInt8(ascii: "]"))
        }

        private mutating func nested(_ members: (inout Object) -> Void) {
            var object = Object(bytes: bytes)
            bytes = []
            object.open()
            members(&object)
            object.close()
            bytes = object.bytes
        }

        private mutating func string(_ text: String) {
            bytes.append(UInt8(ascii: "\""))
            JSONText.escape(text, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
    }
}
