import Analysis
import Model
import Testing

@Suite("Locks in shared memory") struct ChannelLockTests {
    private func identity(_ pid: Int32) -> ProcessIdentity {
        ProcessIdentity(pid: pid, startTicks: UInt64(pid), commandBytes: [])
    }

    /// One that sleeps at a lock that another one holds.
    private func lock(_ identity: String, of owner: Int32, sleeper: Int32, _ graph: inout ChannelGraph) {
        var channel = Channel(.futex, identity: identity)
        channel.ends = [
            .init(pid: owner, role: .hold, thread: owner), .init(pid: sleeper, role: .wait, thread: sleeper),
        ]
        channel.state = .held
        graph.channels.append(channel)
        var wait = WaitReason(
            process: self.identity(sleeper), state: UInt8(ascii: "S"), cause: .memoryLock(MemoryLock(.owned)))
        wait.awaited = [.init(self.identity(owner), thread: owner)]
        graph.waits.append(wait)
    }

    private func graph(_ cause: WaitReason.Cause) -> ChannelGraph {
        var graph = ChannelGraph()
        lock("a", of: 1, sleeper: 2, &graph)
        graph.waits.append(WaitReason(process: identity(1), state: UInt8(ascii: "S"), cause: cause))
        return graph
    }

    @Test("A lock whose owner runs or sleeps for a time is held, not stuck") func held() {
        for cause in [WaitReason.Cause.timer, .running, .other, .notPermitted] {
            var graph = graph(cause)
            graph.noteDeadlocks()
            #expect(graph.channels.map(\.state) == [.held], "\(cause)")
            #expect(ChannelFindings(graph, depth: .pairs).stuck.isEmpty)
        }
        // Of the owner nothing is known.
        var graph = graph(.timer)
        graph.waits.removeLast()
        graph.noteDeadlocks()
        #expect(graph.channels.map(\.state) == [.held])
    }

    @Test("It is stuck where the owner is stopped, or held by a tracer") func stopped() {
        for cause in [WaitReason.Cause.stopped(by: 19), .tracer(pid: 9)] {
            var graph = graph(cause)
            graph.noteDeadlocks()
            #expect(graph.channels.map(\.stuck) == [Channel.Stuck(.locked, pid: 2, thread: 2)])
            #expect(graph.channels[0].culprits == [1])
            #expect(graph.obstacle(of: graph.channels[0])?.cause == cause)
        }
    }

    @Test("It is stuck where the owner is stuck elsewhere, and so are the locks that its sleepers hold") func chained()
    {
        var graph = graph(.pipe(inode: 7, isReading: false, isOwn: false))
        lock("b", of: 2, sleeper: 3, &graph)
        graph.noteDeadlocks()
        #expect(graph.channels.allSatisfy { $0.stuck == nil })
        var pipe = Channel(.pipe, identity: "pipe:[7]", ends: [.init(pid: 1, fd: 3, role: .write, thread: 1)])
        pipe.state = .stuck(Channel.Stuck(.full, pid: 1, thread: 1))
        graph.channels.append(pipe)
        graph.noteDeadlocks()
        #expect(graph.channels.map { $0.stuck?.cause } == [.locked, .locked, .full])
    }

    @Test("Two who wait for each other's lock") func crossed() {
        var graph = ChannelGraph()
        lock("a", of: 1, sleeper: 2, &graph)
        lock("b", of: 2, sleeper: 1, &graph)
        graph.noteDeadlocks()
        #expect(graph.channels.map { $0.stuck?.cause } == [.deadlock, .deadlock])
        #expect(graph.channels.map(\.culprits) == [[1], [2]])
    }

    @Test("Since when, of all who sleep there") func since() {
        var channel = Channel(.futex, identity: "a")
        (channel.state, channel.since) = (.held, 7)
        let group = ChannelGroup(channel)
        #expect(group.since == 7 && !group.isQuiet)
    }
}
