/// Decides from measured free space whether the disk is nearly full. Below the threshold new conversations are
/// refused, so that those which run can be written to their end; a tenth more than the threshold has to be free before
/// they are let in again, so that one conversation's files do not switch it to and fro.
///
///     roomy ──free < threshold──▶ nearlyFull ──free ≥ 1.1 × threshold──▶ roomy
package struct DiskAlarm: Hashable, Sendable {
    package enum OnMeasured: Hashable, Sendable {
        case nothing
        /// It has become so: `label` is the fullest folder's.
        case nearlyFull(label: String, free: Int64)
        case roomAgain
    }

    /// Bytes; 0: never an alarm.
    package var threshold: Int64
    package private(set) var isNearlyFull = false

    package init(threshold: Int64) { self.threshold = threshold }

    /// Free bytes by folder; what could not be measured is missing and says nothing.
    package mutating func measured(_ free: [String: Int64]) -> OnMeasured {
        guard let least = free.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return .nothing }
        if !isNearlyFull, least.value < threshold {
            isNearlyFull = true
            return .nearlyFull(label: least.key, free: least.value)
        }
        if isNearlyFull, least.value >= threshold, least.value - threshold >= threshold / 10 {
            isNearlyFull = false
            return .roomAgain
        }
        return .nothing
    }
}
