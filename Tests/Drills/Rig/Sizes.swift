import Foundation

/// Sizes of a drill: from the command line, else from a variable as `make` passes it, else the drill's own.
enum Sizes {
    static func whole(_ option: Int?, _ variable: String, _ range: ClosedRange<Int>, _ usual: Int) -> Int {
        let asked = option ?? ProcessInfo.processInfo.environment[variable].flatMap(Int.init)
        return min(max(asked ?? usual, range.lowerBound), range.upperBound)
    }
}
