/// Where the admin socket is. Daemon and `voicectl` ask the same question of the same function, so that an operator
/// never has to say it: `$VOICED_ADMIN_SOCKET`, else `/run/voiced/admin.sock`, else `admin.sock` in the state folder.
package enum AdminSocketPath {
    /// The name of the variable that wins over every search.
    package static let variable = "VOICED_ADMIN_SOCKET"
    /// Made by the service manager (`RuntimeDirectory=voiced`), never by us.
    package static let runFolder = "/run/voiced"
    package static let name = "admin.sock"
    /// `sockaddr_un.sun_path` holds 108 bytes, the closing zero included (unix(7)).
    package static let longest = 107

    /// The places, best first. `configured` (nil or empty: nobody said) leaves no other.
    package static func candidates(configured: String?, stateFolder: String) -> [String] {
        if let configured, !configured.isEmpty { return [configured] }
        return ["\(runFolder)/\(name)", "\(stateFolder)/\(name)"]
    }

    /// The first place that is `usable`, else the last one. For the daemon usable means that it may write the folder,
    /// for `voicectl` that a socket stands there.
    package static func choose(configured: String?, stateFolder: String, usable: (String) -> Bool) -> String {
        let places = candidates(configured: configured, stateFolder: stateFolder)
        return places.first(where: usable) ?? places.last ?? "\(stateFolder)/\(name)"
    }
}

/// Where a process keeps what must survive it, when `state.folder` is empty.
package enum StateFolder {
    /// The name of the variable that sets `state.folder`.
    package static let variable = "VOICED_STATE_FOLDER"

    /// `$VOICED_STATE_FOLDER`, else the service manager's `$STATE_DIRECTORY` (its first entry), else
    /// `$XDG_STATE_HOME/voiced`, else `~/.local/state/voiced`, else `/var/lib/voiced`.
    package static func initial(environment: [String: String]) -> String {
        func value(_ name: String) -> String? {
            guard let value = environment[name], !value.isEmpty else { return nil }
            return value
        }
        if let folder = value(variable) { return folder }
        if let first = value("STATE_DIRECTORY")?.split(separator: ":").first { return String(first) }
        if let folder = value("XDG_STATE_HOME") { return "\(folder)/voiced" }
        if let home = value("HOME") { return "\(home)/.local/state/voiced" }
        return "/var/lib/voiced"
    }
}
