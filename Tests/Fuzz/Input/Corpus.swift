import Foundation

/// Where inputs begin: what the target brings, the wire files of `Tests/Golden`, and inputs that once broke something,
/// which are kept in `Tests/Fuzz/Corpus/<target>` and come first in every run.
struct Corpus {
    let entries: [[UInt8]]

    init(of target: any FuzzTarget, root: String) {
        entries = Self.files(in: Self.folder(of: target.name, root: root)) + target.seeds
    }

    static func folder(of target: String, root: String) -> String { "\(root)/Tests/Fuzz/Corpus/\(target)" }

    /// The files of a folder in the order of their names; none when there is no folder. `prefix`: of their names.
    static func files(in folder: String, prefix: String = "") -> [[UInt8]] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix(prefix) && !$0.hasPrefix(".") && !$0.hasSuffix(".py") }.sorted()
            .compactMap { FileManager.default.contents(atPath: "\(folder)/\($0)").map { [UInt8]($0) } }
    }
}
