import LocalDisk
import Testing

@Suite struct DiskWatchTests {
    @Test("free space is what the file system says, also of a folder that is not there yet")
    func free() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let look = await DiskWatch(folders: [("state", folder.path), ("objects", folder.path + "/not/yet")]).look()
        #expect(look.free["state"] ?? 0 > 0)
        #expect(look.free.count == 2)
    }

    @Test("a small disk has the room it has", .enabled(if: FullDisk.isPossible))
    func small() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try FullDisk.mount(folder.path + "/disk")
        defer { FullDisk.unmount(folder.path + "/disk") }
        let look = await DiskWatch(folders: [("disk", folder.path + "/disk")]).look()
        let size: Int64 = 262_144
        #expect(look.free["disk"] == size)
    }
}
