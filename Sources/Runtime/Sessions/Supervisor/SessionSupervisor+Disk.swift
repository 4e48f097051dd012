import Ports

// MARK: - The disk is nearly full
extension SessionSupervisor {
    /// What `/health` and a refusal say.
    static let diskReason = "disk"

    /// Below the threshold running conversations go on, recording included, and those that have begun may come back;
    /// new ones are refused, so that what runs can be written to its end.
    package func noteDisk(nearlyFull: Bool) { diskIsNearlyFull = nearlyFull }
}

extension Refusal {
    static let disk = Refusal(
        status: 503, code: SessionSupervisor.diskReason, message: "There is no room for another interview. Try again.",
        retryAfterSeconds: 30)
}
