import Analysis
import Glibc
import Model
import Testing

@Suite("Channels put together") struct ChannelGroupTests {
    private func groups(_ fixture: ChannelFixture, _ depth: ChannelGrouping.Depth = .servers) -> [ChannelGroup] {
        ChannelFindings(fixture.graph, depth: depth).groups
    }

    @Test("A server and its clients are one line") func servers() throws {
        let groups = groups(.desktop())
        let nginx = try #require(groups.first { $0.left == Array(910..<915) })
        #expect(nginx.channels.count == 12 && nginx.right == [1234] && nginx.waitingBack == 3072)
        let postgres = try #require(groups.first { $0.kind == .tcp })
        #expect(postgres.channels.count == 8 && postgres.left == [1234] && postgres.right == Array(1511..<1519))
        let bus = try #require(groups.first { $0.right == [688] })
        #expect(bus.left.count == 14 && bus.channels.count == 14 && !bus.isSure)
        // Between the very same processes only: five workers are five lines.
        #expect(self.groups(.desktop(), .pairs).count { $0.right == [1234] && $0.kind == .unix } == 5)
        #expect(self.groups(.desktop(), .names).count { $0.right == [688] } == 14)
    }

    @Test("What is stuck comes first, then messages, memory, queues") func order() {
        let groups = groups(.desktop())
        #expect(groups.first?.stuck?.cause == .full)
        let sections = groups.dropFirst().map(\.section.rawValue)
        #expect(sections == sections.sorted())
        // Something unread before nothing unread.
        #expect(groups[1].waitingBack == 3072)
    }

    @Test("Every channel that is shown is in one group") func partition() {
        let findings = ChannelFindings(ChannelFixture.desktop().graph, depth: .servers)
        let grouped = findings.groups.flatMap(\.channels)
        #expect(Set(grouped).count == grouped.count)
        // All but the epoll of one process; of the children only who has ended.
        #expect(grouped.count == findings.graph.channels.count - 1)
        #expect(findings.groups.first { $0.section == .family }?.right == [412])
        #expect(findings.joining.count == 1 + 1 + 12 + 8 + 14 + 2 && findings.guessed == 3)
    }

    @Test("Random graphs: no channel is lost or doubled, at any depth, and every process of it is named")
    func property() {
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        for _ in 0..<50 {
            var fixture = ChannelFixture()
            for pid in 1...30 as ClosedRange<Int32> { fixture.process(pid, "p\(pid % 4)") }
            for number in 0..<60 {
                let kind = Channel.Kind.allCases[random(Channel.Kind.allCases.count)]
                let left = (0...random(3)).map { _ in Int32(1 + random(30)) }
                let right = (0...random(3)).map { _ in Int32(1 + random(30)) }
                fixture.join(kind, "\(number)", left, right) {
                    if random(2) == 0 { $0.name = Array("n\(random(3))".utf8) }
                }
            }
            for depth in [.pairs, .names, .servers] as [ChannelGrouping.Depth] {
                let groups = ChannelGrouping.groups(of: fixture.graph.channels, depth, in: fixture.graph)
                #expect(
                    groups.flatMap(\.channels).map(\.identity).sorted()
                        == fixture.graph.channels.map(\.identity).sorted())
                for group in groups {
                    #expect(group.processes == Set(group.channels.flatMap(\.processes)).sorted())
                    #expect(Set(group.channels.map(\.kind)).count == 1)
                }
            }
        }
    }

    @Test("Whose fault it is that something is stuck") func culprits() {
        func culprits(_ channel: Channel, _ stuck: Channel.Stuck) -> [Int32] {
            var channel = channel
            channel.state = .stuck(stuck)
            return channel.culprits
        }
        var pipe = Channel(.pipe, identity: "p")
        pipe.ends = [
            .init(pid: 1, fd: 1, role: .write), .init(pid: 2, fd: 0, role: .read, side: 1),
            .init(pid: 3, fd: 0, role: .read, side: 1),
        ]
        #expect(culprits(pipe, .init(.full, pid: 1, thread: 1)) == [2, 3])
        var own = Channel(.pipe, identity: "o")
        own.ends = [.init(pid: 1, fd: 1, role: .write), .init(pid: 1, fd: 0, role: .read, side: 1)]
        own.state = .stuck(.init(.full, pid: 1, thread: 1))
        #expect(own.culprits.isEmpty && own.isStuckByItself)
        own.ends.removeLast()
        #expect(!own.isStuckByItself)
        var socket = Channel(.unix, identity: "u")
        socket.ends = [.init(pid: 1, fd: 3, role: .both), .init(pid: 2, fd: 4, role: .listen, side: 1)]
        #expect(culprits(socket, .init(.unaccepted, pid: 1, thread: 1)) == [2])
        #expect(culprits(socket, .init(.full, pid: 2, thread: 2)) == [1])
        #expect(pipe.culprits.isEmpty)
        var lock = Channel(.futex, identity: "f")
        lock.ends = [.init(pid: 1, role: .wait, thread: 1), .init(pid: 2, role: .wait), .init(pid: 3, role: .hold)]
        #expect(culprits(lock, .init(.locked, pid: 1, thread: 1)) == [3])
    }

    @Test("Who has inherited both ends stands where the others are not") func inheritedEnds() {
        func ends(_ left: [Int32], _ right: [Int32]) -> ([Int32], [Int32], Bool) {
            var fixture = ChannelFixture()
            fixture.join(.pipe, "p", left, right)
            let group = ChannelGroup(fixture.graph.channels[0])
            return (group.left, group.right, group.isInOneHand)
        }
        #expect(ends([1, 2], [3]) == ([1, 2], [3], false))
        #expect(ends([1], [1, 2, 3]) == ([1], [2, 3], false))
        #expect(ends([1, 2, 3], [1]) == ([2, 3], [1], false))
        #expect(ends([1, 2], [1, 2]) == ([1, 2], [], true))
        #expect(ends([1], [1]) == ([1], [1], false))
        #expect(ends([1, 2], []) == ([1, 2], [], false))
    }

    @Test("One process's part") func target() {
        let findings = ChannelFindings(ChannelFixture.desktop().graph, target: 1234, depth: .servers)
        #expect(findings.joining.count == 12 + 8 + 1 && findings.joined.count == 5 + 8)
        #expect(findings.stuck.isEmpty)
        #expect(findings.groups.last?.section == .alone)
    }

    @Test("Left by everybody: memory and queues that nobody has are shown") func leftBehind() {
        var fixture = ChannelFixture()
        fixture.join(.sharedMemory, "shmid 5", []) { ($0.memory, $0.size) = (.sysv, 4096) }
        fixture.join(.sysvMessages, "msqid 3", []) { $0.messages = 2 }
        let findings = ChannelFindings(fixture.graph, depth: .servers)
        #expect(findings.groups.count == 2 && findings.joining.isEmpty && findings.busiest == nil)
    }

    @Test("Linear in the ends: ten times the clients take about ten times as long") func linear() {
        // Others may run between.
        func secondsOfProcessor() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        func seconds(_ clients: Int32) -> Double {
            var fixture = ChannelFixture()
            fixture.process(1, "server")
            for pid in 2..<(2 + clients) {
                fixture.process(pid, "client\(pid % 100)")
                fixture.join(.unix, "\(pid)", [pid], [1]) { $0.name = [47] }
            }
            fixture.join(.pipe, "all", Array(1..<(2 + clients)), [1])
            return (0..<3).map { _ in
                let start = secondsOfProcessor()
                _ = ChannelFindings(fixture.graph, depth: .servers)
                _ = ChannelChain.shortest(from: 2, to: 1 + clients, in: fixture.graph)
                return secondsOfProcessor() - start
            }.min() ?? 0
        }
        let (few, many) = (seconds(300), seconds(3000))
        #expect(many < 40 * few, "\(few) \(many)")
    }
}
