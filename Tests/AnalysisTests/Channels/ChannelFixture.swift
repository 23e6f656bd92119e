import Model

/// Graphs made by hand.
struct ChannelFixture {
    var graph = ChannelGraph()

    mutating func process(_ pid: Int32, _ name: String, parent: Int32 = 1, user: UInt32 = 0, zombie: Bool = false) {
        let identity = ProcessIdentity(pid: pid, startTicks: UInt64(pid), commandBytes: Array(name.utf8))
        graph.processes[pid] = ChannelGraph.Process(identity: identity, parent: parent, user: user, isZombie: zombie)
    }

    /// Adds a channel from the writers, or callers, to the readers, or who was called.
    mutating func join(
        _ kind: Channel.Kind, _ identity: String, _ left: [Int32], _ right: [Int32] = [],
        _ change: (inout Channel) -> Void = { _ in }
    ) {
        let roles = ChannelFixture.roles(kind)
        var channel = Channel(kind, identity: identity)
        channel.ends =
            left.map { Channel.End(pid: $0, fd: 3, role: roles.0, side: 0) }
            + right.map { Channel.End(pid: $0, fd: 4, role: roles.1, side: 1) }
        change(&channel)
        graph.channels.append(channel)
    }

    private static func roles(_ kind: Channel.Kind) -> (Channel.Role, Channel.Role) {
        switch kind {
        case .pipe, .fifo, .mqueue: (.write, .read)
        case .unix, .tcp, .udp, .pty, .eventfd: (.both, .both)
        case .pidfd: (.watch, .watched)
        case .parentChild: (.parent, .child)
        case .sharedMemory, .semaphore, .futex: (.map, .map)
        case .sysvMessages, .sysvSemaphores: (.used, .used)
        case .epoll, .signalfd, .inotify: (.watch, .watch)
        }
    }

    /// What the sketch in the design shows, and a little more.
    static func desktop() -> ChannelFixture {
        var fixture = ChannelFixture()
        fixture.process(21188, "make")
        fixture.process(21201, "cc1plus", parent: 21188)
        fixture.process(30020, "bash")
        fixture.process(30044, "tee", parent: 30020)
        fixture.process(1234, "api")
        fixture.process(688, "dbus-daemon")
        for index in 0..<5 as Range<Int32> { fixture.process(910 + index, "nginx", parent: 900) }
        fixture.process(1502, "postgres")
        for index in 0..<9 as Range<Int32> { fixture.process(1511 + index, "postgres", parent: 1502) }
        for index in 0..<14 as Range<Int32> { fixture.process(2000 + index, "app\(index)") }
        fixture.process(9002, "worker")
        fixture.process(412, "journald", parent: 1, zombie: true)
        fixture.process(1, "systemd", parent: 0)
        fixture.join(.pipe, "pipe:[1]", [21201], [21188]) {
            ($0.waiting, $0.capacity, $0.since) = (65536, 65536, 8)
            $0.state = .stuck(Channel.Stuck(.full, pid: 21201, thread: 21201))
        }
        fixture.join(.pipe, "pipe:[2]", [30020], [30044]) { ($0.waiting, $0.age, $0.state) = (0, 7200, .idle) }
        for index in 0..<12 {
            fixture.join(.unix, "unix:[\(100 + index)]↔[\(200 + index)]", [910 + Int32(index % 5)], [1234]) {
                ($0.transport, $0.name) = (.unixStream, Array("/run/api.sock".utf8))
                ($0.waiting, $0.waitingBack, $0.age) = (0, index == 0 ? 3072 : 0, 3600 * Double(index))
            }
        }
        for index in 0..<8 as Range<Int32> {
            fixture.join(.tcp, "127.0.0.1:\(40000 + index)↔127.0.0.1:5432", [1234], [1511 + index]) {
                ($0.transport, $0.name, $0.waiting, $0.waitingBack) = (.tcp, Array("127.0.0.1:5432".utf8), 0, 0)
                ($0.carriedBytes, $0.carriedBytesBack) = (1000, 2000)
            }
        }
        for index in 0..<14 as Range<Int32> {
            fixture.join(.unix, "unix:[\(300 + index)]↔[\(400 + index)]", [2000 + index], [688]) {
                ($0.transport, $0.name) = (.unixStream, Array("@bus".utf8))
                ($0.waiting, $0.waitingBack, $0.sure) = (0, 0, index > 2)
                if index <= 2 { $0.doubt = "its user is another" }
            }
        }
        fixture.join(.parentChild, "children of 1", [1], [412, 1502])
        fixture.join(.sharedMemory, "/dev/zero 0:1:77", [1502] + Array(1511..<1520)) {
            ($0.memory, $0.size) = (.anonymous, 128 << 20)
        }
        fixture.join(.sharedMemory, "/dev/shm/ratelimit", [910, 1234]) {
            ($0.memory, $0.size, $0.name) = (.posix, 8_808_038, Array("/dev/shm/ratelimit".utf8))
        }
        fixture.join(.mqueue, "mqueue:[9]", [9002]) {
            ($0.messages, $0.messageLimit, $0.since, $0.name) = (10, 10, 10800, Array("/jobs".utf8))
            $0.state = .unread
        }
        fixture.join(.epoll, "epoll 1234:5", [1234]) { $0.watched = ["unix:[100]↔[200]"] }
        fixture.graph.unseen = [1520, 1521]
        fixture.process(1520, "postgres", user: 26)
        fixture.process(1521, "postgres", user: 26)
        return fixture
    }
}
