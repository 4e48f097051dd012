/// Columns of text that fit a terminal of 80.
package struct Table {
    package struct Column {
        package let title: String
        /// Longer cells are cut, with `…` for what is missing.
        package let width: Int
        package let isNumber: Bool
        package init(title: String, width: Int, isNumber: Bool = false) {
            self.title = title
            self.width = width
            self.isNumber = isNumber
        }
    }

    package static let width = 80
    package let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    package mutating func add(_ cells: [String]) { rows.append(cells) }

    /// One line per row, the titles first; two spaces between columns, none at a line's end.
    package var text: String {
        ([columns.map(\.title)] + rows).map(line).joined(separator: "\n")
    }

    private func line(_ cells: [String]) -> String {
        var line = ""
        for (column, cell) in zip(columns, cells) {
            let cut = cell.count > column.width ? cell.prefix(max(0, column.width - 1)) + "…" : cell[...]
            let gap = String(repeating: " ", count: max(0, column.width - cut.count))
            line += (line.isEmpty ? "" : "  ") + (column.isNumber ? gap + cut : cut + gap)
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

/// `label  value` lines.
func facts(_ pairs: [(String, String)]) -> String {
    let width = pairs.map(\.0.count).max() ?? 0
    return pairs.map { label, value in
        label + String(repeating: " ", count: width - label.count + 2) + value
    }.joined(separator: "\n")
}
