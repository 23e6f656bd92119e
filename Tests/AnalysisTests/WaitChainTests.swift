import Model
import Testing

@testable import Analysis

@Suite("Chains of waiting") struct WaitChainTests {
    private func reason(_ pid: Int32, waitsFor awaited: [Int32], singleThreaded: Bool = true) -> WaitReason {
        var reason = WaitReason(
            process: ProcessIdentity(pid: pid, startTicks: 1, commandBytes: []), state: UInt8(ascii: "S"), cause: .child
        )
        reason.awaited = awaited
        reason.isSingleThreaded = singleThreaded
        return reason
    }

    @Test("A chain ends where nobody is awaited") func chain() {
        let chain = WaitChain([reason(1, waitsFor: [2]), reason(2, waitsFor: [3]), reason(3, waitsFor: [])])
        #expect(chain.links.map(\.process.pid) == [1, 2, 3])
        #expect(chain.circle.isEmpty && !chain.isDeadlock)
    }

    @Test("A circle is a deadlock, also when the target only leads to it") func circle() {
        let chain = WaitChain([reason(1, waitsFor: [2]), reason(2, waitsFor: [3]), reason(3, waitsFor: [2])])
        #expect(chain.circle.map(\.process.pid) == [2, 3])
        #expect(chain.isDeadlock)
    }

    @Test("Who could be woken by another, or by a thread of its own, is in no sure deadlock") func doubt() {
        let several = WaitChain([reason(1, waitsFor: [2, 3]), reason(2, waitsFor: [1]), reason(3, waitsFor: [])])
        #expect(several.circle.count == 2 && !several.isDeadlock)
        let threads = WaitChain([reason(1, waitsFor: [2], singleThreaded: false), reason(2, waitsFor: [1])])
        #expect(threads.circle.count == 2 && !threads.isDeadlock)
    }

    @Test("Nothing known, processes that are gone, itself") func edges() {
        #expect(WaitChain([]).links.isEmpty)
        #expect(WaitChain([reason(1, waitsFor: [9])]).links.count == 1)
        #expect(WaitChain([reason(1, waitsFor: [1])]).circle.count == 1)
    }
}
