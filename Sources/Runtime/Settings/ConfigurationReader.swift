import Configuration
import Foundation

/// Looks keys up in four layers: flag, environment, file, default. swift-configuration's providers hold the layers and
/// name the environment; what they do badly (a wrong type is nil without a word, errors without a place) is done here.
struct ConfigurationReader {
    private struct Layer {
        let provider: any ConfigProvider
        let prefix: [String]
        let origin: (String) -> ConfigurationOrigin
    }

    private let layers: [Layer]
    private(set) var problems: [ConfigurationProblem] = []
    private var failed: Set<String> = []
    /// Every key that was read, with its value as YAML would say it.
    private(set) var printed: [String: String] = [:]

    /// `environment` holds only variables that are not empty.
    init(flags: [String: String], environment: [String: String], file: ConfigurationFile, path: String?) {
        let lists = Set(ConfigurationKeys.all.filter(\.isList).map(\.name))
        func provider(_ values: [String: RawValue], _ name: String) -> InMemoryProvider {
            var contents: [AbsoluteConfigKey: ConfigValue] = [:]
            for (key, raw) in values {
                let content: ConfigContent
                switch raw {
                case .list(let list): content = .stringArray(list)
                case .scalar(let text) where lists.contains(key):
                    let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                    content = .stringArray(parts)
                case .scalar(let text): content = .string(text)
                }
                contents[AbsoluteConfigKey(Self.components(key))] = ConfigValue(content, isSecret: false)
            }
            return InMemoryProvider(name: name, values: contents)
        }
        let lines = file.values.mapValues(\.line)
        layers = [
            Layer(provider: provider(flags.mapValues { .scalar($0) }, "flags"), prefix: []) { _ in .flag },
            Layer(provider: EnvironmentVariablesProvider(environmentVariables: environment), prefix: ["voiced"]) {
                .environment(ConfigurationEntry.environmentName($0))
            },
            Layer(provider: provider(file.values.mapValues(\.raw), "file"), prefix: []) {
                .file(path ?? "", line: lines[$0] ?? nil)
            },
        ]
    }

    private static func components(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }

    /// The value that counts and who said it; the default when nobody did, or when what they said is wrong, which is
    /// noted.
    mutating func read<Value>(_ key: ConfigurationKey<Value>) -> Value {
        let value = find(key)
        printed[key.name] = key.shape.print(value)
        return value
    }

    private mutating func find<Value>(_ key: ConfigurationKey<Value>) -> Value {
        guard let (raw, _) = raw(key.entry) else { return key.initial }
        do {
            return try key.shape.read(raw)
        } catch {
            complain(key.name, error.problem, error.remedy)
            return key.initial
        }
    }

    private func raw(_ entry: ConfigurationEntry) -> (RawValue, ConfigurationOrigin)? {
        for layer in layers {
            let key = AbsoluteConfigKey(layer.prefix + Self.components(entry.name))
            if let raw = Self.value(layer.provider, key, entry.isList) { return (raw, layer.origin(entry.name)) }
        }
        return nil
    }

    /// A value of the other kind is a value too: that it is wrong shall be said, not overlooked.
    private static func value(_ provider: any ConfigProvider, _ key: AbsoluteConfigKey, _ isList: Bool) -> RawValue? {
        for type in isList ? [ConfigType.stringArray, .string] : [.string, .stringArray] {
            switch try? provider.value(forKey: key, type: type).value?.content {
            case .string(let text): return .scalar(text)
            case .stringArray(let list): return .list(list)
            default: continue
            }
        }
        return nil
    }

    func origin(_ name: String) -> ConfigurationOrigin {
        guard let entry = ConfigurationKeys.all.first(where: { $0.name == name }), let found = raw(entry) else {
            return .builtIn
        }
        return found.1
    }

    mutating func complain(_ key: String, _ problem: String, _ remedy: String) {
        failed.insert(key)
        problems.append(ConfigurationProblem(key: key, origin: origin(key), problem: problem, remedy: remedy))
    }

    /// Whether all of these were read without complaint: only then it makes sense to compare them.
    func isSound(_ names: String...) -> Bool { names.allSatisfy { !failed.contains($0) } }
}
