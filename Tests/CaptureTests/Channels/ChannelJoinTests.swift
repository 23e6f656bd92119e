import Glibc
import Kernel
import Model
import Testing

@testable import Capture

@Suite("Joining descriptors into channels") struct ChannelJoinTests {
    static func process(
        _ pid: Int32, parent: Int32 = 0, network: UInt64 = 1, ipc: UInt64 = 2, started: UInt64 = 0,
        _ descriptors: [ChannelDescriptor] = [], mappings: [Mapping] = [], isRefused: Bool = false
    ) -> ProcessChannels {
        var stat = ProcessStat()
        (stat.pid, stat.parent, stat.startTicks, stat.state) = (pid, parent, started, UInt8(ascii: "S"))
        stat.commandBytes = Array("p\(pid)".utf8)
        var result = ProcessChannels(stat)
        (result.user, result.network, result.ipc) = (1000, network, ipc)
        (result.descriptors, result.mappings, result.isRefused) = (descriptors, mappings, isRefused)
        return result
    }

    static func open(_ number: Int32, _ thing: ChannelDescriptor.Thing, _ access: UInt8? = 2) -> ChannelDescriptor {
        ChannelDescriptor(number: number, access: access, thing: thing)
    }

    static func channels(
        _ processes: [ProcessChannels], tables: [UInt64: SocketTable] = [:],
        _ change: (inout ChannelJoin.Facts) -> Void = { _ in }
    ) -> [Channel] {
        var facts = ChannelJoin.Facts(processes: processes, network: 1, ipc: 2, tables: tables)
        change(&facts)
        var join = ChannelJoin(facts)
        join.run()
        return join.channels
    }

    private static func file(_ path: String, device: UInt32 = 5, inode: UInt64 = 7, deleted: Bool = false)
        -> ChannelDescriptor.NamedFile
    {
        ChannelDescriptor.NamedFile(
            file: .init(deviceMajor: 0, deviceMinor: device, inode: inode), path: Array(path.utf8), isDeleted: deleted,
            sizeBytes: 8192, used: 0, changed: 0)
    }

    @Test("Whoever has a pipe open is an end of it, by how it was opened") func pipe() throws {
        let found = Self.channels([
            Self.process(10, [Self.open(3, .pipe(inode: 5), 0)]),
            Self.process(11, [Self.open(4, .pipe(inode: 5), 1), Self.open(5, .pipe(inode: 5), 2)]),
        ])
        let channel = try #require(found.first)
        #expect(found.count == 1 && channel.identity == "pipe:[5]" && channel.sure && channel.joinsProcesses)
        #expect(
            channel.ends == [
                .init(pid: 10, fd: 3, role: .read, side: 1), .init(pid: 11, fd: 4, role: .write),
                .init(pid: 11, fd: 5, role: .both),
            ])
        #expect(channel.details.isEmpty)
    }

    @Test("A missing end is only said to be unseen where somebody could not be seen") func unseen() {
        let writer = Self.process(10, [Self.open(3, .pipe(inode: 5), 1)])
        #expect(Self.channels([writer])[0].details.isEmpty)
        #expect(Self.channels([writer, Self.process(11, isRefused: true)])[0].details == [.otherEndUnseen])
    }

    /// One pipe in 20,000 processes, and 20,000 pipes of their own.
    @Test("The join is linear in descriptors") func linear() {
        func seconds(_ count: Int32) -> (Double, [Channel]) {
            let processes = (1...count).map { pid in
                Self.process(
                    pid, parent: 1,
                    [Self.open(3, .pipe(inode: 5), 1), Self.open(4, .pipe(inode: 100 + UInt64(pid)), 0)])
            }
            let start = secondsOfProcessor()
            let found = Self.channels(processes)
            return (secondsOfProcessor() - start, found)
        }
        let (small, _) = seconds(2000)
        let (large, found) = seconds(20_000)
        #expect(found.first?.ends.count == 20_000 && found.count { $0.kind == .pipe } == 20_001)
        // Ten times as many: a join of each with each would take a hundred times as long.
        #expect(large < max(small, 0.01) * 40)
    }

    @Test("Both ends of a connection are one channel, the caller first") func connections() throws {
        var server = Socket(inode: 30, transport: .unixStream, state: .connected)
        (server.local, server.peer, server.receiveQueue) = (.path(Array("/run/x".utf8)), 31, 12)
        var client = Socket(inode: 31, transport: .unixStream, state: .connected)
        (client.peer, client.receiveQueue) = (30, 0)
        let found = Self.channels(
            [
                Self.process(10, [Self.open(3, .socket(inode: 30))]),
                Self.process(11, [Self.open(4, .socket(inode: 31))]),
                Self.process(12, [Self.open(9, .socket(inode: 31))]),
            ], tables: [1: SocketTable([server, client])])
        let channel = try #require(found.first)
        #expect(found.count == 1 && channel.kind == .unix && channel.identity == "unix:[31]↔[30]")
        #expect(channel.name == Array("/run/x".utf8) && channel.waiting == 12 && channel.waitingBack == 0)
        #expect(channel.ends.map(\.pid) == [10, 11, 12] && channel.ends.map(\.side) == [1, 0, 0])
    }

    @Test("A client that nobody has accepted leads to who listens") func pending() throws {
        var listener = Socket(inode: 30, transport: .unixStream, state: .listening)
        (listener.local, listener.pending) = (.abstract(Array("x".utf8)), [31])
        (listener.receiveQueue, listener.sendQueue) = (1, 4)
        let client = Socket(inode: 31, transport: .unixStream, state: .connected)
        let found = Self.channels(
            [
                Self.process(10, [Self.open(3, .socket(inode: 30))]),
                Self.process(11, [Self.open(4, .socket(inode: 31))]),
            ],
            tables: [1: SocketTable([listener, client])])
        let channel = try #require(found.first)
        #expect(found.count == 1 && channel.details == [.notAccepted] && channel.name == Array("@x".utf8))
        #expect(channel.ends.map(\.role) == [.listen, .both] && channel.messages == 1 && channel.messageLimit == 4)
    }

    private static func connection(_ inode: UInt64, _ local: UInt32, _ port: UInt16, _ remote: UInt32, _ other: UInt16)
        -> Socket
    {
        var socket = Socket(inode: inode, transport: .tcp, state: .connected)
        socket.local = .internet(InternetAddress(v4: local), port: port)
        socket.remote = .internet(InternetAddress(v4: remote), port: other)
        return socket
    }

    @Test("Across network namespaces: unix sockets for sure, addresses that fit as a guess, loopback never")
    func crossing() {
        var one = Socket(inode: 40, transport: .unixStream, state: .connected)
        one.peer = 41
        var two = Socket(inode: 41, transport: .unixStream, state: .connected)
        two.peer = 40
        let tables: [UInt64: SocketTable] = [
            1: SocketTable([
                one, Self.connection(50, 0x0a00_0001, 80, 0x0a00_0002, 4000),
                Self.connection(60, 0x7f00_0001, 80, 0x7f00_0001, 4000),
            ]),
            9: SocketTable([
                two, Self.connection(51, 0x0a00_0002, 4000, 0x0a00_0001, 80),
                Self.connection(61, 0x7f00_0001, 4000, 0x7f00_0001, 80),
            ]),
        ]
        func sockets(_ inodes: UInt64...) -> [ChannelDescriptor] {
            inodes.map { Self.open(Int32($0), .socket(inode: $0)) }
        }
        let found = Self.channels(
            [Self.process(10, sockets(40, 50, 60)), Self.process(11, network: 9, sockets(41, 51, 61))], tables: tables)
        #expect(found.map(\.kind) == [.unix, .tcp])
        #expect(found[0].sure && found[0].ends.map(\.fd) == [40, 41])
        #expect(!found[1].sure && found[1].doubt != nil && Set(found[1].ends.map(\.fd)) == [50, 51])
    }

    @Test("A terminal's slaves are those of the master's instance") func terminals() {
        let inside = Self.open(3, .master(index: 0, Self.file("/dev/pts/ptmx", device: 20)))
        let outside = Self.open(3, .master(index: 1, Self.file("/dev/ptmx", device: 6)))
        func slave(_ index: UInt32, device: UInt32) -> ChannelDescriptor {
            Self.open(0, .slave(index: index, Self.file("/dev/pts/\(index)", device: device)))
        }
        let found = Self.channels([
            Self.process(10, [inside]), Self.process(11, [outside]), Self.process(12, [slave(0, device: 20)]),
            Self.process(13, [slave(0, device: 21)]), Self.process(14, [slave(1, device: 21)]),
        ])
        #expect(found.map { $0.ends.map(\.pid) } == [[10, 12], [13], [11, 14]])
        #expect(found.map(\.identity) == ["pts/0", "pts/0 (0:21)", "pts/1"] && found.allSatisfy(\.sure))
    }

    @Test("Two instances that may both be the master's make it a guess") func doubtfulTerminal() {
        let found = Self.channels([
            Self.process(10, [Self.open(3, .master(index: 0, Self.file("/dev/ptmx", device: 6)))]),
            Self.process(12, [Self.open(0, .slave(index: 0, Self.file("/dev/pts/0", device: 20)))]),
            Self.process(13, [Self.open(0, .slave(index: 0, Self.file("/dev/pts/0", device: 21)))]),
        ])
        #expect(found.count == 2 && found[0].ends.map(\.pid) == [10, 12] && !found[0].sure)
    }

    private static func mapping(
        _ name: String, inode: UInt64, _ permissions: Mapping.Permissions = [.read, .write, .shared], minor: UInt32 = 1
    ) -> Mapping {
        Mapping(
            range: AddressRange(0x1000, 0x3000), permissions: permissions, fileOffset: 0x1000, deviceMajor: 0,
            deviceMinor: minor, inode: inode, nameBytes: Array(name.utf8))
    }

    @Test("Shared memory is joined by what is behind it, not by its name") func memory() {
        let name = "/memfd:a (deleted)"
        let found = Self.channels([
            Self.process(
                10, [Self.open(3, .memory(Self.file(name, device: 1, inode: 70, deleted: true), isMemfd: true))],
                mappings: [Self.mapping(name, inode: 70), Self.mapping("/dev/zero (deleted)", inode: 71)]),
            Self.process(
                11,
                mappings: [
                    Self.mapping(name, inode: 70, [.read, .shared]),
                    Self.mapping("/lib/cache", inode: 72, [.read, .shared]),
                ]),
            Self.process(
                12,
                mappings: [
                    Self.mapping(name, inode: 73), Self.mapping("/dev/zero (deleted)", inode: 71),
                    Self.mapping("/lib/cache", inode: 72, [.read, .shared]),
                ]),
        ])
        #expect(found.map(\.identity) == ["/memfd:a:[70]", "anonymous:[71]"])
        #expect(found[0].ends == [.init(pid: 10, fd: 3, role: .map), .init(pid: 11, role: .read)])
        #expect(found[0].memory == .memfd && found[0].size == 0x3000 && found[0].carried == .sharedMemory)
        #expect(found[1].memory == .anonymous && found[1].ends.map(\.pid) == [10, 12])
    }

    @Test("A segment's number counts in its own IPC namespace only") func segments() {
        let segment = SystemFiveObjects.Segment(id: 5, key: 42, bytes: 4096, attached: 1, user: 0)
        let mapping = Self.mapping("/SYSV0000002a (deleted)", inode: 5)
        var objects = SystemFiveObjects()
        objects.segments = [segment]
        let found = Self.channels([
            Self.process(10, mappings: [mapping]), Self.process(11, ipc: 9, mappings: [mapping]),
        ]) {
            $0.systemFive = [2: objects, 9: objects]
        }
        #expect(found.map(\.identity) == ["shmid 5 key 0x2a", "shmid 5 key 0x2a (ipc:[9])"])
        #expect(found.map { $0.ends.map(\.pid) } == [[10], [11]])
        #expect(found[0].details.isEmpty && found[1].details == [.namespace("ipc:[9]")])
    }

    @Test("Whoever has got the number of a queue's last user since then is not meant") func lastUsers() {
        var objects = SystemFiveObjects()
        objects.queues = [
            .init(
                id: 1, key: 0, bytes: 3, messages: 1, capacityBytes: 100, sender: 10, receiver: 11, sent: 1500,
                received: 1500, user: 0)
        ]
        let found = Self.channels([Self.process(10, started: 100_000), Self.process(11, started: 10_000)]) {
            ($0.systemFive, $0.booted, $0.now) = ([2: objects], 1000, 2600)
        }
        // 10 started at 2000, 11 at 1100.
        #expect(found[0].ends == [.init(pid: 11, role: .used, side: 1)] && !found[0].sure && found[0].since == 1100)
        #expect(found[0].messages == 1 && found[0].waiting == 3 && found[0].state == .unread)
    }

    @Test("Families, pidfds, events and what several have after a fork") func others() {
        let epoll = ChannelDescriptor.Thing.unnumbered(.init(kind: .epoll, contents: 1, watched: [3, 9]))
        let processes = [
            Self.process(
                10, [Self.open(3, .pipe(inode: 5), 0), Self.open(4, epoll), Self.open(6, .event(id: 8, value: 2))]),
            Self.process(
                11, parent: 10,
                [Self.open(4, epoll), Self.open(6, .event(id: 8, value: 2)), Self.open(7, .event(id: 9, value: 2))]),
            Self.process(12, parent: 10, [Self.open(5, .process(11))]),
        ]
        let one = ChannelHolders.Holder(pid: 10, descriptor: 4)
        let found = Self.channels(processes) {
            $0.openFiles = [one: one, .init(pid: 11, descriptor: 4): one]
        }
        func ends(_ kind: Channel.Kind) -> [[Int32]] { found.filter { $0.kind == kind }.map { $0.ends.map(\.pid) } }
        #expect(
            ends(.eventfd) == [[10, 11], [11]] && ends(.epoll) == [[10, 11]] && ends(.parentChild) == [[10, 11, 12]])
        #expect(ends(.pidfd) == [[11, 12]])
        #expect(found.first { $0.kind == .epoll }?.watched == ["pipe:[5]"])
        #expect(Self.channels(processes).count { $0.kind == .epoll } == 2)
    }

    @Test("Who watches a file is joined with who has it open for writing") func watchedFiles() throws {
        let watch = ChannelDescriptor.Unnumbered(
            kind: .inotify, contents: 1,
            files: [.init(deviceMajor: 0, deviceMinor: 5, inode: 7), .init(deviceMajor: 0, deviceMinor: 6, inode: 7)])
        let found = Self.channels([
            Self.process(10, [Self.open(3, .unnumbered(watch))]),
            Self.process(11, [Self.open(4, .written(Self.file("/var/log/x")), 1)]),
            Self.process(12, [Self.open(4, .written(Self.file("/var/log/y", inode: 8)), 1)]),
        ])
        #expect(found.count == 1 && found[0].watched == ["/var/log/x"])
        #expect(found[0].ends == [.init(pid: 10, fd: 3, role: .watch, side: 1), .init(pid: 11, fd: 4, role: .write)])
    }

    @Test("Files of the same name are two channels with two identities") func sameName() {
        let found = Self.channels([
            Self.process(
                10,
                [
                    Self.open(3, .fifo(Self.file("/tmp/f", inode: 1)), 0),
                    Self.open(4, .fifo(Self.file("/tmp/f", inode: 2)), 1),
                ])
        ])
        #expect(found.count == 2 && Set(found.map(\.identity)).count == 2)
    }
}

@Suite("Mappings that others may share") struct SharedMappingTests {
    @Test("Of all lines those of memory that is shared") func lines() {
        let text =
            Sample.maps + """
                7f3c20000000-7f3c20001000 rw-s 00000000 00:01 5       /SYSV0000002a (deleted)
                7f3c30000000-7f3c30001000 rw-s 00000000 00:0f 6       anon_inode:[perf_event]
                7f3c40000000-7f3c40001000 rw-s 00000000 00:06 7       /dev/dri/card0
                7f3c50000000-7f3c50001000 rw-s 00000000 00:10 8       /[aio] (deleted)

                """
        let found = Mapping.parse(sharedIn: Array(text.utf8))
        #expect(found.map(\.inode) == [99, 5] && found.map(\.isSegment) == [false, true])
    }

    @Test("The kernel, asked for shared mappings alone, says what its text says") func queried() throws {
        let addresses = [8192, 4096].map { mmap(nil, $0, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) }
        defer { for address in addresses { munmap(address, 4096) } }
        // Not before Linux 6.11.
        guard let queried = try? ProcFS().queriedMappings("/proc/self/maps") else { return }
        let text = Mapping.parse(sharedIn: try ProcFile.read("/proc/self/maps", limit: 1 << 24))
        // Other tests map and unmap meanwhile.
        func own(_ mappings: [Mapping]) -> [Mapping] {
            mappings.filter { mapping in addresses.contains { mapping.range.contains(UInt64(UInt(bitPattern: $0))) } }
        }
        #expect(own(queried) == own(text) && own(text).count == 2)
    }

    @Test("Damaged lines: never more than the whole parser finds") func damaged() {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<300 {
            var bytes = Array((Sample.maps + Sample.maps).utf8)
            for _ in 0..<8 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            for mapping in Mapping.parse(sharedIn: bytes) {
                #expect(mapping.permissions.contains(.shared) && !mapping.range.isEmpty)
                #expect(mapping.inode != 0 || mapping.isSegment)
            }
        }
    }
}

@Suite("System V's objects") struct SystemFiveTests {
    @Test("As /proc/sysvipc has them; damaged lines are left out") func files() throws {
        let fixture = try ProcFixture()
        try fixture.write(
            "sysvipc/msg",
            """
                   key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime
                    42          3   600          16          1  1812  1813  1000  1000  1000  1000 1795649000 1795649001 1795648999
                    42          x   600          16          1
            9999999999999999999999      3   600          16          1  1812  1813  1000  1000  1000  1000 1795649000 1795649001 1
            """)
        try fixture.write(
            "sysvipc/sem",
            """
                   key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
             -16711935          1   666          8  1000  1000  1000  1000 1795649000 1795648999
            """)
        try fixture.write(
            "sysvipc/shm",
            """
                   key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
                     0     163900  1600                  8192   812   813      2  1000  1000  1000  1000 1795648999          0 1795648999                     0                     0
            """)
        let found = SystemFiveObjects(root: fixture.root, asksKernel: false)
        #expect(found.queues.count == 1 && found.sets.count == 1 && found.segments.count == 1)
        #expect(found.queues[0].sender == 1812 && found.queues[0].receiver == 1813 && found.queues[0].bytes == 16)
        #expect(found.sets[0].count == 8 && ChannelJoin.text(key: found.sets[0].key) == "0xff00ff01")
        #expect(found.segments[0].bytes == 8192 && found.segments[0].attached == 2 && found.segments[0].id == 163900)
        #expect(SystemFiveObjects(root: fixture.root + "/none", asksKernel: false).queues.isEmpty)
    }
}

@Suite("A look at all channels") struct ChannelGraphFixtureTests {
    private func fixture() throws -> ProcFixture {
        let fixture = try ProcFixture()
        for (pid, parent): (Int32, Int32) in [(10, 1), (11, 10), (12, 10)] {
            try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: "p", parent: parent))
            try fixture.write(
                "\(pid)/maps", "7f0000000000-7f0000001000 rw-s 00000000 00:01 99    /dev/zero (deleted)\n")
            try fixture.link("\(pid)/ns/net", to: "net:[1]")
            try fixture.link("\(pid)/fd/3", to: "pipe:[5]")
            try fixture.write("\(pid)/fdinfo/3", "pos:\t0\nflags:\t0\(pid == 10 ? 1 : 0)\n")
        }
        try fixture.link("12/fd/4", to: "socket:[x]")
        try fixture.link("12/fd/5", to: "anon_inode:[eventfd]")
        try fixture.write("12/fdinfo/5", "pos:\t0\nflags:\t02\neventfd-count:  3\n")
        return fixture
    }

    @Test("From files in the shape of /proc") func files() throws {
        let fixture = try fixture()
        let graph = try ProcFS(root: fixture.root).channelGraph()
        let pipe = try #require(graph.channels.first { $0.kind == .pipe })
        #expect(pipe.ends.map(\.role) == [.write, .read, .read] && pipe.ends.map(\.pid) == [10, 11, 12])
        #expect(graph.channels.first { $0.kind == .sharedMemory }?.ends.map(\.pid) == [10, 11, 12])
        #expect(graph.channels.first { $0.kind == .parentChild }?.ends.map(\.pid) == [10, 11, 12])
        #expect(graph.processes.count == 3 && graph.unseen.isEmpty)
        // An eventfd without a number (before Linux 5.2) is joined with nothing.
        #expect(!graph.channels.contains { $0.kind == .eventfd })
    }

    /// A file that nobody writes to blocks whoever opens it, as `maps` of a process does whose memory map is locked.
    @Test("A process whose memory stays locked holds nobody up, and is named") func locked() throws {
        let fixture = try fixture()
        unlink(fixture.root + "/11/maps")
        try #require(mkfifo(fixture.root + "/11/maps", 0o600) == 0)
        let start = Moment.now
        let graph = try ProcFS(root: fixture.root).channelGraph(patience: 0.05)
        #expect(Moment.now.seconds(since: start) < 60)
        #expect(graph.unseen == [11] && graph.gaps.contains { $0.what == "shared memory of 1 process" })
        #expect(graph.channels.first { $0.kind == .pipe }?.ends.map(\.pid) == [10, 11, 12])
        #expect(graph.channels.first { $0.kind == .sharedMemory }?.ends.map(\.pid) == [10, 12])
        // Lets the thread go that still waits.
        let descriptor = Glibc.open(fixture.root + "/11/maps", O_WRONLY | O_NONBLOCK)
        if descriptor >= 0 { close(descriptor) }
    }
}
