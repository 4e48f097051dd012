import Foundation
import Settings
import Testing

@Suite struct MemoryUseTests {
    /// A folder with these files in it; the machine has 1,000,000 KiB, of which a quarter is in use.
    private func share(_ files: [String: String]) throws -> Double? {
        let root = FileManager.default.temporaryDirectory.appending(path: "memory-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        var files = files
        files["proc/meminfo", default: "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 750000 kB\n"] += ""
        for (name, text) in files {
            let path = "\(root)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        return MemoryUse(root: root).share()
    }

    @Test("a group of version 2 counts without its cached files")
    func version2() throws {
        let found = try share([
            "proc/self/cgroup": "0::/pod/agent\n", "sys/fs/cgroup/pod/agent/memory.max": "1000000\n",
            "sys/fs/cgroup/pod/agent/memory.current": "900000\n",
            "sys/fs/cgroup/pod/agent/memory.stat": "anon 1\ninactive_file 300000\nfile 2\n",
        ])
        #expect(found == 0.6)
    }

    @Test("the tightest of the groups above counts")
    func ancestors() throws {
        let found = try share([
            "proc/self/cgroup": "0::/pod/agent\n", "sys/fs/cgroup/pod/agent/memory.max": "max\n",
            "sys/fs/cgroup/pod/agent/memory.current": "900000\n", "sys/fs/cgroup/pod/memory.max": "1000000\n",
            "sys/fs/cgroup/pod/memory.current": "950000\n",
        ])
        #expect(found == 0.95)
    }

    @Test("in a container, whose path is the host's, the topmost folder is its own; version 1 as well")
    func version1() throws {
        let found = try share([
            "proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "800000\n",
            "sys/fs/cgroup/memory/memory.stat": "cache 1\ntotal_inactive_file 50000\n",
        ])
        #expect(found == 0.75)
    }

    @Test(
        "without a limit, or with one that is larger than the machine, the machine counts",
        arguments: ["9223372036854771712", "max", "1024000001"])
    func machine(limit: String) throws {
        let found = try share([
            "proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "\(limit)\n",
            "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1000\n",
        ])
        #expect(found == 0.25)
    }

    @Test("a system that says nothing is not judged")
    func unknown() throws {
        #expect(try share(["proc/meminfo": ""]) == nil)
        #expect(try share(["proc/meminfo": "MemTotal: many kB\nMemAvailable: 1 kB\n"]) == nil)
    }
}
