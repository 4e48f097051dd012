import InterviewCore

// MARK: - Money, for operators
extension VoiceSession {
    func cost() -> SessionCost {
        SessionCost(
            id: id, study: study.id, spentMicros: budget.spentMicros, limitMicros: budget.limitMicros,
            estimatedMicros: costs.estimatedMicros,
            models: costs.lines.sorted { $0.key < $1.key }.map { model, line in
                ModelCost(model: model, line: line, price: services.prices.prices[model])
            })
    }
}
