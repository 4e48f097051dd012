/// Guesses what somebody meant by a name that does not exist.
package enum NearestName {
    /// Longer names are not compared: the table below grows with the product of both lengths.
    static let longest = 128

    /// The known name with the fewest differing letters (Levenshtein), if at most a third of it differs.
    package static func of(_ name: String, among known: [String]) -> String? {
        guard name.utf8.count <= longest else { return nil }
        let ranked = known.map { (name: $0, distance: distance(name, $0)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(2, best.name.utf8.count / 3) ? best.name : nil
    }

    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8.prefix(longest))
        var row = Array(0...right.count)
        for (i, a) in left.utf8.enumerated() {
            var previous = i
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let cost = a == b ? previous : 1 + min(previous, row[j], row[j + 1])
                previous = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
