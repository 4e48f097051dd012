import Foundation
import Yams

/// The YAML file taken apart: every key with its value and line. swift-configuration's own YAML provider refuses a
/// whole file for one list of maps and knows no lines; so Yams reads it, and the provider is given the plain values.
struct ConfigurationFile {
    struct Value {
        var raw: RawValue
        var line: Int?
    }

    /// Bytes of the file.
    static let longest = 262_144
    private(set) var values: [String: Value] = [:]
    private(set) var problems: [ConfigurationProblem] = []

    init() {}

    init(path: String) {
        guard let data = FileManager.default.contents(atPath: path) else {
            complain(path, path, nil, "cannot be read", "name a file that exists and that this user may read")
            return
        }
        guard data.count <= Self.longest, let text = String(data: data, encoding: .utf8) else {
            complain(path, path, nil, "is no text or longer than 256 KiB", "name a configuration in YAML")
            return
        }
        read(text, path)
    }

    private mutating func read(_ text: String, _ path: String) {
        do {
            guard let root = try Yams.compose(yaml: text) else { return }
            if root.null != nil { return }
            guard let mapping = root.mapping else {
                complain(path, path, nil, "is no YAML map", "write keys and values, as in Manifests/voiced.yaml")
                return
            }
            walk(mapping, "", path)
        } catch let error as YamlError {
            let (line, problem) = Self.explain(error)
            complain(path, path, line, problem, "mend the YAML")
        } catch {
            complain(path, path, nil, "is no YAML", "mend it")
        }
    }

    private mutating func walk(_ mapping: Node.Mapping, _ prefix: String, _ path: String) {
        for (keyNode, node) in mapping {
            let line = keyNode.mark?.line
            guard let name = keyNode.scalar?.string else {
                complain(prefix.isEmpty ? path : prefix, path, line, "a key is no text", "write a name")
                continue
            }
            let key = prefix + name
            switch node {
            case .mapping(let nested): walk(nested, key + ".", path)
            case .scalar(let scalar):
                // `key:` with nothing behind it leaves the default.
                if node.null == nil { values[key] = Value(raw: .scalar(scalar.string), line: line) }
            case .sequence(let sequence):
                let texts = sequence.compactMap { $0.scalar?.string }
                guard texts.count == sequence.count else {
                    complain(key, path, line, "is a list of something other than plain values", "write plain values")
                    continue
                }
                values[key] = Value(raw: .list(texts), line: line)
            case .alias: complain(key, path, line, "is an alias", "write the value itself")
            }
        }
    }

    private mutating func complain(
        _ key: String, _ path: String, _ line: Int?, _ problem: String, _ remedy: String
    ) {
        problems.append(
            ConfigurationProblem(
                key: key, origin: key == path && line == nil ? nil : .file(path, line: line), problem: problem,
                remedy: remedy))
    }

    /// Yams prints the offending line with its errors, and that line may hold a secret: only place and kind go on.
    static func explain(_ error: YamlError) -> (line: Int?, problem: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return (mark.line, "is no YAML (\(problem))")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return (context.mark.line, "has a key twice: \(duplicates.joined(separator: ", "))")
        default: return (nil, "is no YAML")
        }
    }
}
