import Model
import Testing

@testable import Analysis

@Suite("Chains of waiting") struct WaitChainTests {
    private func identity(_ pid: Int32) -> ProcessIdentity {
        ProcessIdentity(pid: pid, startTicks: 1, commandBytes: [])
    }

    /// - Parameter threads: how many its process has.
    private func reason(
        _ pid: Int32, thread: Int32? = nil, waitsFor awaited: [Int32] = [], threads: Int = 1
    ) -> WaitReason {
        var reason = WaitReason(process: identity(pid), thread: thread, state: UInt8(ascii: "S"), cause: .child)
        reason.awaited = awaited.map { WaitReason.Awaited(identity($0)) }
        reason.threadCount = threads
        return reason
    }

    /// A thread that waits for a lock of another one.
    private func locked(_ pid: Int32, thread: Int32, by owner: (pid: Int32, thread: Int32), threads: Int) -> WaitReason
    {
        var reason = reason(pid, thread: thread, threads: threads)
        reason.cause = .memoryLock(MemoryLock(.owned))
        reason.awaited = [WaitReason.Awaited(identity(owner.pid), thread: owner.thread)]
        return reason
    }

    @Test("A chain ends where nobody is awaited") func chain() {
        let chain = WaitChain([reason(1, waitsFor: [2]), reason(2, waitsFor: [3]), reason(3)])
        #expect(chain.links.map(\.process.pid) == [1, 2, 3])
        #expect(chain.circle.isEmpty && !chain.isDeadlock)
    }

    @Test("A circle is a deadlock, also when the target only leads to it") func circle() {
        let chain = WaitChain([reason(1, waitsFor: [2]), reason(2, waitsFor: [3]), reason(3, waitsFor: [2])])
        #expect(chain.circle.map(\.process.pid) == [2, 3])
        #expect(chain.isDeadlock)
    }

    @Test("Who could be woken by another, by time, or by a thread of its own, is in no sure deadlock") func doubt() {
        let several = WaitChain([reason(1, waitsFor: [2, 3]), reason(2, waitsFor: [1]), reason(3)])
        #expect(several.circle.count == 2 && !several.isDeadlock)
        let threads = WaitChain([
            reason(1, waitsFor: [2], threads: 2), reason(1, thread: 9, threads: 2), reason(2, waitsFor: [1]),
        ])
        #expect(threads.circle.count == 2 && !threads.isDeadlock)
        // One of its threads was not looked at.
        let unseen = WaitChain([reason(1, waitsFor: [2], threads: 2), reason(2, waitsFor: [1])])
        #expect(unseen.circle.count == 2 && !unseen.isDeadlock)
        var timed = reason(1, waitsFor: [2])
        timed.hasTimeout = true
        #expect(!WaitChain([timed, reason(2, waitsFor: [1])]).isDeadlock)
    }

    @Test("Who ran while others were looked at was never seen asleep together with them") func ranMeanwhile() {
        var moved = reason(1, waitsFor: [2])
        moved.ranMeanwhile = true
        let chain = WaitChain([moved, reason(2, waitsFor: [1])])
        #expect(chain.circle.count == 2 && !chain.isDeadlock)
    }

    @Test("A thread that others of its process can wake") func ownThreads() {
        // Process 2 waits for a lock that the thread 11 holds, and could itself be woken by the thread 12.
        func chain(_ other: WaitReason) -> WaitChain {
            var reader = reason(1, thread: 11, waitsFor: [2], threads: 2)
            reader.ownThreadsToo = true
            return WaitChain([reader, other, locked(2, thread: 2, by: (1, 11), threads: 1)])
        }
        #expect(!chain(reason(1, thread: 12, threads: 2)).isDeadlock)
        #expect(chain(locked(1, thread: 12, by: (1, 11), threads: 2)).isDeadlock)
        var alone = reason(1, waitsFor: [2])
        alone.ownThreadsToo = true
        #expect(WaitChain([alone, reason(2, waitsFor: [1])]).isDeadlock)
    }

    @Test("All alternatives are stuck too") func alternatives() {
        let chain = WaitChain([reason(1, waitsFor: [2, 3]), reason(2, waitsFor: [1]), reason(3, waitsFor: [1])])
        #expect(chain.isDeadlock && chain.circle.count == 2)
    }

    @Test("Two threads of one process, while its main thread waits for work") func withinOne() {
        let chain = WaitChain([
            reason(1, threads: 3), locked(1, thread: 12, by: (1, 13), threads: 3),
            locked(1, thread: 13, by: (1, 12), threads: 3),
        ])
        #expect(chain.links.map(\.thread) == [1])
        #expect(chain.isDeadlock && chain.circle.map(\.thread) == [12, 13])
    }

    @Test("A thread that holds a lock and waits for a process that needs it") func mixed() {
        // 1 waits by its only thread for process 2; the one thread of that which lives waits for a lock of 1.
        var ended = reason(2, threads: 2)
        ended.cause = .zombie(parent: 1)
        let chain = WaitChain([
            reason(1, waitsFor: [2]), ended, locked(2, thread: 21, by: (1, 1), threads: 2),
        ])
        #expect(chain.isDeadlock && chain.circle.map(\.thread) == [1, 21])
    }

    @Test("Nothing known, processes that are gone, itself") func edges() {
        #expect(WaitChain([]).links.isEmpty)
        #expect(WaitChain([reason(1, waitsFor: [9])]).links.count == 1)
        let own = WaitChain([locked(1, thread: 1, by: (1, 1), threads: 1)])
        #expect(own.circle.count == 1 && own.isDeadlock)
    }
}
