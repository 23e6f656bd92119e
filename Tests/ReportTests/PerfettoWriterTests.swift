import Analysis
import Model
import SwiftProtobuf
import Testing

@testable import Report

@Suite struct PerfettoWriterTests {
    /// A switch as a reader of the file finds it.
    private struct Switch: Equatable {
        let cpu: UInt32
        let time: UInt64
        let previousState: Int64
        let next: Int32
        let name: String
    }

    private static func written(_ header: TraceHeader, _ events: [SwitchEvent], limit: Int = 1 << 20) throws -> [UInt8]
    {
        var writer = PerfettoWriter(header, limitBytes: limit)
        // In small batches: what comes when must not matter.
        var bytes: [UInt8] = []
        var rest = events[...]
        while !rest.isEmpty {
            bytes += try writer.add(TraceBatch(events: Array(rest.prefix(7))))
            rest = rest.dropFirst(7)
        }
        return bytes + (try writer.finish(TraceEnd(nanoseconds: 1_000_000_000, lost: 0)))
    }

    private static func switches(_ trace: PerfettoTrace) throws -> [Switch] {
        var result: [Switch] = []
        for packet in trace.packet {
            guard case .ftraceEvents(let bundle) = packet.data else { continue }
            let sched = bundle.compactSched
            let count = sched.switchTimestamp.count
            try #require(sched.switchPrevState.count == count && sched.switchNextPid.count == count)
            try #require(sched.switchNextPrio.count == count && sched.switchNextCommIndex.count == count)
            var time: UInt64 = 0
            for index in 0..<count {
                time += sched.switchTimestamp[index]
                result.append(
                    Switch(
                        cpu: bundle.cpu, time: time, previousState: sched.switchPrevState[index],
                        next: sched.switchNextPid[index],
                        name: sched.internTable[Int(sched.switchNextCommIndex[index])]))
            }
        }
        return result
    }

    @Test func switchesComeInPairs() throws {
        let header = TraceFixtures.header()
        let bytes = try Self.written(header, Array(TraceFixtures.events(header).prefix(11)))
        let trace = try PerfettoTrace(serializedBytes: bytes)
        let second: UInt64 = 1_000_000_000
        let main = try Self.switches(trace).filter { $0.cpu == 0 }
        #expect(
            main == [
                // Perfetto drops the first.
                Switch(cpu: 0, time: second, previousState: 0, next: 0, name: "swapper"),
                Switch(cpu: 0, time: second, previousState: 0, next: 1234, name: "api"),
                Switch(cpu: 0, time: second + 10_000_000, previousState: 1, next: 812, name: "cc1plus"),
                Switch(cpu: 0, time: 2 * second, previousState: 0, next: 4_194_305, name: "(not traced)"),
                Switch(cpu: 0, time: 2 * second, previousState: 0, next: 0, name: "swapper"),
            ])
        let names = trace.packet.flatMap { $0.processTree.threads.map { "\($0.tgid) \($0.tid) \($0.name)" } }
        #expect(names == ["1234 1234 api", "1234 1240 api worker", "812 812 cc1plus"])
        #expect(trace.packet.first?.clockSnapshot.clocks.map(\.timestamp) == [second, 1_795_650_000_500_000_000])
    }

    @Test func wakeUpsStandWithTheCoreOfTheWaker() throws {
        let header = TraceFixtures.header()
        let trace = try PerfettoTrace(serializedBytes: Self.written(header, TraceFixtures.events(header)))
        var wakeups: [Int32: Set<String>] = [:]
        for packet in trace.packet {
            let sched = packet.ftraceEvents.compactSched
            for (index, tid) in sched.wakingPid.enumerated() {
                wakeups[tid, default: []].insert(
                    "by core \(packet.ftraceEvents.cpu) on \(sched.wakingTargetCpu[index]) flags \(sched.wakingCommonFlags[index])"
                )
            }
        }
        #expect(wakeups == [1234: ["by core 0 on 0 flags 0"], 1240: ["by core 1 on 1 flags 8"]])
    }

    @Test func whereNobodyIsTracedNobodyIsInvented() throws {
        let header = TraceFixtures.header(.ownThreads, wakeups: false)
        let trace = try PerfettoTrace(serializedBytes: Self.written(header, TraceFixtures.events(header)))
        let main = try Self.switches(trace).filter { $0.cpu == 0 }.dropFirst(2).prefix(4)
        #expect(main.map(\.next) == [4_194_305, 1234, 4_194_305, 1234])
        #expect(main.map { $0.time / 1_000_000 } == [1010, 1050, 1060, 1100])
    }

    @Test func aFullFileIsWholeAndSaysWhere() throws {
        let header = TraceFixtures.header()
        var events: [SwitchEvent] = []
        for index in 0..<60_000 {
            let key = ThreadKey(pid: 1, tid: Int32(1 + index % 2))
            events.append(SwitchEvent(time: UInt64(index) * 1000, core: 0, kind: .switchIn(key)))
            events.append(SwitchEvent(time: UInt64(index) * 1000 + 900, core: 0, kind: .switchOut(key, .preempted)))
        }
        var writer = PerfettoWriter(header, limitBytes: 200_000)
        var bytes = try writer.add(TraceBatch(events: events))
        bytes += try writer.finish(TraceEnd(nanoseconds: 60_000_000, lost: 0))
        let cut = try #require(writer.cutAt)
        let switches = try Self.switches(try PerfettoTrace(serializedBytes: bytes))
        #expect(bytes.count < 260_000 && cut < 60_000_000 && UInt64(switches.count) >= cut / 1000)
        // Some seven bytes for a switch.
        #expect(bytes.count / switches.count < 12)
    }

    @Test func hostileEventsMakeAFile() throws {
        let keys = [
            ThreadKey.idle, ThreadKey(pid: -5, tid: .min), ThreadKey(pid: .max, tid: .max), ThreadKey(pid: 0, tid: -1),
        ]
        var events: [SwitchEvent] = []
        for (index, key) in keys.enumerated() {
            let time = index % 2 == 0 ? UInt64.max / 4 : 5
            for kind: SwitchEvent.Kind in [
                .name(key, CommandName([0xff, 0x1b])), .switchOut(key, .preempted), .switchIn(key), .exit(key),
                .wakeup(key, by: key), .fork(parent: key, child: key), .lost(.max), .migration(key),
            ] {
                events.append(SwitchEvent(time: time, core: index == 1 ? .max : UInt16(index), kind: kind))
            }
        }
        let trace = try PerfettoTrace(serializedBytes: Self.written(TraceFixtures.header(), events))
        #expect(!trace.packet.isEmpty)
    }
}
