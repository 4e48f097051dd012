import Foundation
import WireFormats

/// Turns what was written for a path into an absolute one.
struct ConfigurationPlaces {
    private let environment: [String: String]
    private let currentFolder: String
    /// Where studies and prices are when their paths are relative: beside the configuration file.
    private let documents: String

    /// Without a file the documents are in `Manifests` below the current folder (a checkout), else in `/etc/voiced`.
    init(file: String?, environment: [String: String], currentFolder: String) {
        self.environment = environment
        self.currentFolder = currentFolder
        if let file {
            documents = (Self.absolute(file, currentFolder) as NSString).deletingLastPathComponent
        } else {
            let checkout = "\(currentFolder)/Manifests"
            documents = FileManager.default.fileExists(atPath: checkout) ? checkout : "/etc/voiced"
        }
    }

    func state(_ written: String) -> String {
        Self.absolute(written.isEmpty ? StateFolder.initial(environment: environment) : written, currentFolder)
    }

    func inState(_ written: String, _ initial: String, state: String) -> String {
        Self.absolute(written.isEmpty ? initial : written, state)
    }

    func document(_ written: String, built origin: ConfigurationOrigin) -> String {
        switch origin {
        // What is typed on a command line begins where it was typed.
        case .flag, .environment: Self.absolute(written, currentFolder)
        case .file, .builtIn: Self.absolute(written, documents)
        }
    }

    func adminSocket(_ written: String, state: String) -> String {
        if !written.isEmpty { return Self.absolute(written, currentFolder) }
        return AdminSocketPath.choose(configured: nil, stateFolder: state) { path in
            let folder = (path as NSString).deletingLastPathComponent
            return FileManager.default.isWritableFile(atPath: folder)
        }
    }

    private static func absolute(_ path: String, _ base: String) -> String {
        let full = path.hasPrefix("/") ? path : "\(base)/\(path)"
        return (full as NSString).standardizingPath
    }
}
