/// What one session's money went for: by model, over all its owners. Adds up what `BudgetMeter` counted.
package struct CostSheet: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        /// Answers, or transcriptions of the participant's turns.
        package var records = 0
        package var usage = Usage()
        package var micros: Int64 = 0
        /// The part of `micros` that was charged by seconds of sound, because the provider died without saying.
        package var estimatedMicros: Int64 = 0

        package init() {}
    }

    /// Models of one session; a session has two or three. What is more is added to the last one's line.
    package static let mostModels = 16
    /// The name of the line for what is more.
    package static let others = "others"

    package private(set) var lines: [String: Line] = [:]

    package init() {}

    package mutating func add(_ entry: UsageEntry) {
        let isKnown = lines[entry.model] != nil || lines.count < Self.mostModels
        let model = isKnown ? entry.model : Self.others
        var line = lines[model] ?? Line()
        line.records += 1
        line.usage.add(entry.usage.clamped)
        line.micros = line.micros.adding(max(entry.micros, 0))
        if entry.estimated { line.estimatedMicros = line.estimatedMicros.adding(max(entry.micros, 0)) }
        lines[model] = line
    }

    package var estimatedMicros: Int64 { lines.values.reduce(0) { $0.adding($1.estimatedMicros) } }
}

extension Int64 {
    /// The sum, or the largest there is.
    fileprivate func adding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension Usage {
    fileprivate mutating func add(_ other: Usage) {
        textIn &+= other.textIn
        audioIn &+= other.audioIn
        imageIn &+= other.imageIn
        cachedTextIn &+= other.cachedTextIn
        cachedAudioIn &+= other.cachedAudioIn
        cachedImageIn &+= other.cachedImageIn
        textOut &+= other.textOut
        audioOut &+= other.audioOut
        milliseconds &+= other.milliseconds
    }
}
