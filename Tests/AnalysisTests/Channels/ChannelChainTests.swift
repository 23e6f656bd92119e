import Analysis
import Model
import Testing

@Suite("Chains of channels") struct ChannelChainTests {
    private func chains(_ fixture: ChannelFixture, _ from: Int32, _ to: Int32) -> [[Int32]] {
        ChannelChain.shortest(from: from, to: to, in: fixture.graph).map { [from] + $0.hops.map(\.to) }
    }

    @Test("From channel to channel, in either direction") func steps() {
        let fixture = ChannelFixture.desktop()
        #expect(chains(fixture, 911, 1511) == [[911, 1234, 1511]])
        #expect(chains(fixture, 1511, 911) == [[1511, 1234, 911]])
        #expect(chains(fixture, 910, 1234) == [[910, 1234]])
        #expect(chains(fixture, 30020, 688).isEmpty)
        #expect(chains(fixture, 688, 688).isEmpty)
        // All that join these two, and none other.
        let hop = ChannelChain.shortest(from: 910, to: 1234, in: fixture.graph)[0].hops[0]
        #expect(hop.channels.count == 4 && hop.channels.allSatisfy { $0.connects(910, 1234) })
    }

    @Test("Two that write to one pipe do not reach each other by it") func sides() {
        var fixture = ChannelFixture()
        fixture.join(.pipe, "p", [1, 2], [3])
        fixture.join(.pipe, "q", [3], [4])
        // Only by way of the reader.
        #expect(chains(fixture, 1, 2) == [[1, 3, 2]])
        #expect(chains(fixture, 1, 4) == [[1, 3, 4]])
        // Whoever has memory or a counter reaches all others.
        fixture.join(.eventfd, "e", [1, 2])
        #expect(chains(fixture, 1, 2) == [[1, 2]])
    }

    @Test("Of several shortest ways all, up to a limit; longer ones never") func several() {
        var fixture = ChannelFixture()
        for middle in 10..<20 as Range<Int32> {
            fixture.join(.unix, "a\(middle)", [1], [middle])
            fixture.join(.unix, "b\(middle)", [middle], [2])
        }
        fixture.join(.unix, "c", [1], [50])
        fixture.join(.unix, "d", [50], [51])
        fixture.join(.unix, "e", [51], [2])
        #expect(chains(fixture, 1, 2) == [[1, 10, 2], [1, 11, 2], [1, 12, 2], [1, 13, 2]])
    }

    @Test("As relatives only where nothing else joins them") func relatives() {
        var fixture = ChannelFixture()
        fixture.join(.parentChild, "1-2", [1], [2])
        fixture.join(.parentChild, "1-3", [1], [3])
        #expect(chains(fixture, 2, 3) == [[2, 1, 3]])
        fixture.join(.pipe, "p", [2], [4])
        fixture.join(.pipe, "q", [4], [5])
        fixture.join(.pipe, "r", [5], [3])
        #expect(chains(fixture, 2, 3) == [[2, 4, 5, 3]])
    }

    @Test("What flowed: counted where the kernel counts, else only whether something moved") func flow() {
        var fixture = ChannelFixture()
        fixture.join(.tcp, "t", [1], [2]) { ($0.carriedBytes, $0.carriedBytesBack) = (1000, 5) }
        fixture.join(.pipe, "p", [1], [2]) { $0.waiting = 10 }
        fixture.join(.pipe, "s", [1], [2]) {
            ($0.waiting, $0.state) = (65536, .stuck(Channel.Stuck(.full, pid: 1, thread: 1)))
        }
        fixture.join(.unix, "u", [1], [2])
        var later = fixture.graph
        later.channels[0].carriedBytes = 4000
        later.channels[1].waiting = 20
        var new = Channel(.pipe, identity: "new")
        new.ends = later.channels[1].ends
        later.channels.append(new)
        let flow = ChannelFlow(from: fixture.graph, to: later, seconds: 5)
        #expect(flow[later.channels[0]] == .init(bytes: 3000, bytesBack: 0, moved: true))
        #expect(flow[later.channels[1]] == .init(bytes: nil, bytesBack: nil, moved: true))
        #expect(flow[later.channels[2]]?.moved == false)
        #expect(flow[later.channels[3]] == .init(bytes: nil, bytesBack: nil, moved: nil))
        #expect(flow[new] == nil)
        // Counters that went backwards are another connection's.
        later.channels[0].carriedBytes = 1
        #expect(ChannelFlow(from: fixture.graph, to: later, seconds: 5)[later.channels[0]]?.bytes == nil)
    }
}
