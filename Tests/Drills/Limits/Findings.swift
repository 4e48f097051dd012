/// What one case has found; cases run side by side, the verdict takes their findings one after the other.
struct Findings: Sendable {
    struct Finding: Sendable {
        var holds: Bool
        var what: String
        var detail: String
    }

    let name: String
    private(set) var all: [Finding] = []

    init(_ name: String) { self.name = name }

    mutating func expect(_ condition: Bool, _ what: String, _ detail: @autoclosure () -> String = "") {
        all.append(Finding(holds: condition, what: "\(name): \(what)", detail: condition ? "" : detail()))
    }
}
