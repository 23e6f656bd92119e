import Model
import Testing

@testable import Analysis

@Suite("Groups of descriptors") struct DescriptorGroupTests {
    private func file(_ number: Int32, _ path: String, inode: UInt64 = 0) -> Descriptor {
        var descriptor = Descriptor(number: number, kind: .file, target: Array(path.utf8))
        if inode > 0 { descriptor.file = Mapping.FileID(deviceMajor: 1, deviceMinor: 0, inode: inode) }
        return descriptor
    }

    private func socket(_ number: Int32, inode: UInt64, port: UInt16, _ state: Socket.State = .connected) -> Descriptor
    {
        var descriptor = Descriptor(number: number, kind: .socket, target: Array("socket:[\(inode)]".utf8))
        var socket = Socket(inode: inode, transport: .tcp, state: state)
        socket.local = .internet(InternetAddress(v4: 0x7f00_0001), port: 40000 + UInt16(number))
        socket.remote = .internet(InternetAddress(v4: 0x7f00_0001), port: port)
        descriptor.socket = socket
        return descriptor
    }

    private func table(_ descriptors: [Descriptor], limit: UInt64 = 1024) -> DescriptorTable {
        var table = DescriptorTable(process: ProcessIdentity(pid: 1, startTicks: 1, commandBytes: []))
        table.descriptors = descriptors
        table.total = descriptors.count
        table.softLimit = limit
        return table
    }

    private func paths(_ groups: [DescriptorGroup]) -> [String: Int] {
        var result: [String: Int] = [:]
        for group in groups {
            guard case .path(let path, _) = group.subject else { continue }
            result[String(decoding: path, as: UTF8.self)] = group.count
        }
        return result
    }

    @Test("Paths that differ in a number are one group; what they share stays") func numbers() {
        let files = [
            file(3, "/srv/v2/upload-1.part"), file(4, "/srv/v2/upload-22.part"), file(5, "/srv/v2/once-7"),
            file(6, "/x/3f9c2ab1"), file(7, "/x/77aa01c9"), file(8, "/x/word"),
        ]
        #expect(
            paths(DescriptorGrouping.groups(of: files)) == [
                "/srv/v2/upload-*.part": 2, "/srv/v2/once-7": 1, "/x/*": 2, "/x/word": 1,
            ])
    }

    @Test("One file opened twice is no pattern, and many of one folder are the folder") func folders() {
        #expect(paths(DescriptorGrouping.groups(of: [file(3, "/a/1"), file(4, "/a/1")])) == ["/a/1": 2])
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"]
        let few = names.enumerated().map { file(Int32($0.offset), "/lib/\($0.element).jar") }
        #expect(DescriptorGrouping.groups(of: few).count == 8)
        let many = few + [file(9, "/lib/i.jar")]
        #expect(paths(DescriptorGrouping.groups(of: many)) == ["/lib/*": 9])
    }

    @Test("Connections go by where they lead") func connections() {
        let groups = DescriptorGrouping.groups(of: [
            socket(3, inode: 1, port: 5432), socket(4, inode: 2, port: 5432), socket(5, inode: 3, port: 80),
        ])
        #expect(groups.map(\.count) == [2, 1])
        #expect(groups[0].subject == .client(.tcp, .internet(InternetAddress(v4: 0x7f00_0001), port: 5432)))
    }

    @Test("Opened and not closed, and the same number given out again") func growth() {
        let before = table([file(3, "/log/1"), file(4, "/log/2"), file(5, "/tmp/a")])
        let after = table([
            file(3, "/log/1"), file(4, "/log/9"), file(6, "/log/3"), file(7, "/log/4"),
        ])
        let growth = DescriptorGrowth(from: before, to: after, seconds: 60)
        #expect(growth.opened == 3 && growth.closed == 2 && growth.grew)
        #expect(growth.changes.map(\.difference) == [2, -1])
        #expect(growth.changes[0].opened.map(\.number) == [4, 6, 7])
        #expect(growth.changes[0].before == 2 && growth.changes[0].after == 4)
        let none = DescriptorGrowth(from: after, to: after, seconds: 1)
        #expect(!none.grew && none.opened == 0 && none.closed == 0 && none.changes.isEmpty)
        // As many as before, but others.
        let turned = DescriptorGrowth(from: table([file(3, "/log/1")]), to: table([file(3, "/log/2")]), seconds: 1)
        #expect(!turned.grew && turned.opened == 1 && turned.closed == 1)
    }

    @Test("What is worth a look, and what is not") func findings() {
        let many = (0..<16).map { socket($0, inode: UInt64($0), port: 80, .abandoned) }
        #expect(DescriptorFinding.findings(in: table(many)) == [.abandoned(count: 16, first: many[0])])
        #expect(DescriptorFinding.findings(in: table(Array(many.dropLast()))).isEmpty)
        #expect(DescriptorFinding.findings(in: table([file(3, "/a"), file(4, "/b")], limit: 3)).isEmpty)
        #expect(
            DescriptorFinding.findings(in: table([file(3, "/a"), file(4, "/b")], limit: 2))
                == [.nearLimit(open: 2, limit: 2)])
        let same = (0..<16).map { file($0, "/same", inode: 9) }
        #expect(DescriptorFinding.findings(in: table(same)) == [.openedOften(count: 16, first: same[0])])
        var deleted = file(3, "/var/log/x", inode: 4)
        (deleted.isDeleted, deleted.diskBytes) = (true, 1 << 21)
        var twin = deleted
        twin.number = 4
        #expect(
            DescriptorFinding.findings(in: table([deleted, twin]))
                == [.deletedFiles(count: 1, diskBytes: 1 << 21, largest: deleted)])
    }
}
