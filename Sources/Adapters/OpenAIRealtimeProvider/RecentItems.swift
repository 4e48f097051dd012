/// A few things by id, of which the oldest is forgotten when there are too many: ids come from a peer.
struct RecentItems<Value: Sendable>: Sendable {
    let limit: Int
    private var values: [String: Value] = [:]
    /// Oldest first.
    private var order: [String] = []

    init(limit: Int) { self.limit = limit }

    var count: Int { values.count }

    /// Setting nil forgets.
    subscript(id: String) -> Value? {
        get { values[id] }
        set {
            guard let newValue else {
                if values.removeValue(forKey: id) != nil { order.removeAll { $0 == id } }
                return
            }
            if values.updateValue(newValue, forKey: id) == nil {
                order.append(id)
                if order.count > limit { values[order.removeFirst()] = nil }
            }
        }
    }
}
