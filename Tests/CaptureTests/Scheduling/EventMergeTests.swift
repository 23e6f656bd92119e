import Model
import Testing

@testable import Capture

@Suite struct EventMergeTests {
    static func core(_ number: UInt16, _ times: [UInt64]) -> CoreRecords {
        var ring = RingFixture()
        for (index, time) in times.enumerated() { ring.switchIn(1, Int32(number) * 1000 + Int32(index), time) }
        var records = CoreRecords(core: number, start: 0, tracepoints: nil)
        ring.bytes.withUnsafeBytes { records.take($0) }
        return records
    }

    static func times(_ merge: inout EventMerge, before limit: UInt64) -> [UInt64] {
        var times: [UInt64] = []
        merge.take(before: limit) { times.append($0.time) }
        return times
    }

    @Test func coresAreOneOrderOfTime() {
        var merge = EventMerge([Self.core(0, [1, 4, 9]), Self.core(1, [2, 3, 10]), Self.core(2, [])])
        #expect(Self.times(&merge, before: 9) == [1, 2, 3, 4])
        #expect(Self.times(&merge, before: 9) == [])
        #expect(Self.times(&merge, before: .max) == [9, 10])
        #expect(merge.cores.allSatisfy { $0.events.isEmpty })
    }

    /// What was written late, behind what has been handed on, is not lost and not out of order.
    @Test func latecomersComeBehind() {
        var merge = EventMerge([Self.core(0, [100]), Self.core(1, [])])
        #expect(Self.times(&merge, before: 200) == [100])
        merge.cores[1] = Self.core(1, [50, 120])
        #expect(Self.times(&merge, before: 200) == [100, 120])
    }

    @Test func propertyEveryEventOnceAndInOrder() {
        for round in Rounds.of(200, fuzz: 20_000) {
            var random = SeededGenerator(state: round)
            var all: [UInt64] = []
            let cores = (0..<(1 + random.next() % 9)).map { number in
                var time: UInt64 = 0
                let times = (0..<random.next() % 40).map { _ in
                    time += random.next() % 6
                    return time
                }
                all += times
                return Self.core(UInt16(number), times)
            }
            var merge = EventMerge(cores)
            var got: [UInt64] = []
            var limit: UInt64 = 0
            while limit < 300 {
                limit += random.next() % 50
                got += Self.times(&merge, before: limit)
                #expect(got.allSatisfy { $0 < limit })
            }
            got += Self.times(&merge, before: .max)
            #expect(got == all.sorted(), "round \(round)")
        }
    }
}
