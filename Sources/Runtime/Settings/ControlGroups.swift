import Foundation

/// The control groups (cgroups, version 1 and 2) that this process is in.
struct ControlGroups {
    /// `/`, or a test's folder with the same files in it.
    let root: String

    init(root: String = "") { self.root = root }

    /// The folders of `controller` from this process' own group up to the topmost, where they exist. In a container the
    /// path of `/proc/self/cgroup` is often the host's: then only the topmost exists, and it is the container's own.
    func folders(version2: Bool, controller: String) -> [String] {
        let top = version2 ? "\(root)/sys/fs/cgroup" : "\(root)/sys/fs/cgroup/\(controller)"
        guard var path = path(version2: version2, controller: controller) else { return [] }
        var found: [String] = []
        while path.hasPrefix("/"), path != "/" {
            found.append(top + path)
            path = (path as NSString).deletingLastPathComponent
        }
        return found + [top]
    }

    /// `0::/path` names the group of version 2, `4:memory:/path` that of a controller of version 1; nil: there is none.
    private func path(version2: Bool, controller: String) -> String? {
        for line in (text("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let fits = version2 ? fields[0] == "0" : fields[1].split(separator: ",").contains(Substring(controller))
            if fits { return String(fields[2]) }
        }
        return nil
    }

    func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }
}
