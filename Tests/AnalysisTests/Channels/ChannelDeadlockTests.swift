import Analysis
import Model
import Testing

@Suite("Deadlocks through empty channels") struct ChannelDeadlockTests {
    /// Three processes; each reads, by descriptor 4, the pipe that the one before it writes to.
    private func circle() -> ChannelFixture {
        var fixture = ChannelFixture()
        for pid in 1...3 as ClosedRange<Int32> {
            fixture.process(pid, "p\(pid)")
            fixture.join(.pipe, "pipe:[\(pid)]", [pid], [pid % 3 + 1]) { ($0.waiting, $0.state) = (0, .idle) }
            fixture.graph.waits.append(reads(pid % 3 + 1, from: [pid]))
        }
        return fixture
    }

    private func reads(_ pid: Int32, from writers: [Int32], descriptor: Int32? = 4) -> WaitReason {
        func identity(_ pid: Int32) -> ProcessIdentity {
            ProcessIdentity(pid: pid, startTicks: UInt64(pid), commandBytes: [])
        }
        var reason = WaitReason(
            process: identity(pid), state: UInt8(ascii: "S"), cause: .pipe(inode: 1, isReading: true, isOwn: false))
        reason.descriptor = descriptor
        reason.awaited = writers.map { WaitReason.Awaited(identity($0)) }
        return reason
    }

    private func stuck(_ fixture: ChannelFixture) -> [String] {
        var graph = fixture.graph
        graph.noteDeadlocks()
        return graph.channels.filter { $0.stuck?.cause == .deadlock }.map(\.identity)
    }

    @Test("All channels of a circle are stuck, each by its reader") func all() throws {
        var graph = circle().graph
        graph.asleep = [2: 7]
        graph.noteDeadlocks()
        #expect(graph.channels.map { $0.stuck?.pid } == [2, 3, 1])
        #expect(graph.channels.map(\.since) == [7, nil, nil])
        #expect(graph.channels.map(\.culprits) == [[1], [2], [3]])
        #expect(graph.channels[0].ends.map(\.thread) == [nil, 2])
        #expect(ChannelFindings(graph, target: 2, depth: .pairs).stuck.count == 2)
    }

    @Test("Not where one of them may go on") func mayGoOn() {
        #expect(stuck(circle()).count == 3)
        var timed = circle()
        timed.graph.waits[1].hasTimeout = true
        #expect(stuck(timed).isEmpty)
        var threads = circle()
        threads.graph.waits[1].threadCount = 2
        #expect(stuck(threads).isEmpty)
        var unseen = circle()
        unseen.graph.waits.removeLast()
        #expect(stuck(unseen).isEmpty)
        // A fourth could write, of whom nothing is known.
        var more = circle()
        more.graph.waits[0] = reads(2, from: [1, 4])
        #expect(stuck(more).isEmpty)
    }

    @Test("Who waits at several ends is stuck at each of them") func several() {
        var fixture = circle()
        // 2 also waits for a FIFO that 3 writes to; 3 waits for nobody else than 2.
        fixture.join(.fifo, "/run/f", [3], [2]) { $0.ends[1].fd = 5 }
        var reads = reads(2, from: [1, 3], descriptor: nil)
        reads.cause = .descriptors(["pipe": 1, "FIFO": 1])
        reads.descriptors = [4, 5]
        fixture.graph.waits[0] = reads
        #expect(stuck(fixture) == ["pipe:[1]", "pipe:[2]", "pipe:[3]", "/run/f"])
        fixture.graph.waits[0].ranMeanwhile = true
        #expect(stuck(fixture).isEmpty)
    }

    @Test("A channel is stuck by what its reader sleeps at, and not by its other descriptors") func descriptors() {
        var other = circle()
        other.graph.waits[0] = reads(2, from: [1], descriptor: 9)
        #expect(stuck(other) == ["pipe:[2]", "pipe:[3]"])
        // It waits for its child, which reads from it.
        var family = circle()
        family.graph.waits[0] = reads(2, from: [1], descriptor: nil)
        #expect(stuck(family) == ["pipe:[2]", "pipe:[3]"])
        // What is stuck otherwise stays so.
        var full = circle()
        full.graph.channels[0].state = .stuck(Channel.Stuck(.full, pid: 1, thread: 1))
        #expect(stuck(full) == ["pipe:[2]", "pipe:[3]"])
    }
}
