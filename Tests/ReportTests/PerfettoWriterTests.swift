import Analysis
import Model
import Testing

@testable import Report

@Suite struct PerfettoWriterTests {
    /// A switch as a reader of the file finds it.
    private struct Switch: Equatable {
        let cpu: UInt64
        let time: UInt64
        let previousState: UInt64
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
            bytes += writer.add(TraceBatch(events: Array(rest.prefix(7))))
            rest = rest.dropFirst(7)
        }
        return bytes + writer.finish(TraceEnd(nanoseconds: 1_000_000_000, lost: 0))
    }

    private static func packets(_ bytes: [UInt8]) throws -> [ProtobufFields] {
        let trace = try #require(ProtobufFields(bytes))
        let packets = trace.messages(1)
        try #require(packets.count == trace.fields.count)
        return packets
    }

    /// The bundles of cores, each with its core and what happened there.
    private static func bundles(_ packets: [ProtobufFields]) -> [(cpu: UInt64, sched: ProtobufFields)] {
        packets.flatMap { $0.messages(1) }.compactMap { bundle in
            bundle.messages(4).first.map { (bundle.numbers(1).first ?? .max, $0) }
        }
    }

    private static func switches(_ packets: [ProtobufFields]) throws -> [Switch] {
        var result: [Switch] = []
        for (cpu, sched) in bundles(packets) {
            let (times, states, threads) = (sched.packed(1), sched.packed(2), sched.packed(3))
            let (names, indexes) = (sched.texts(5), sched.packed(6))
            for list in [states, threads, sched.packed(4), indexes] { try #require(list.count == times.count) }
            var time: UInt64 = 0
            for index in times.indices {
                time += times[index]
                result.append(
                    Switch(
                        cpu: cpu, time: time, previousState: states[index],
                        next: Int32(truncatingIfNeeded: threads[index]), name: names[Int(indexes[index])]))
            }
        }
        return result
    }

    @Test func switchesComeInPairs() throws {
        let header = TraceFixtures.header()
        let bytes = try Self.written(header, Array(TraceFixtures.events(header).prefix(11)))
        let packets = try Self.packets(bytes)
        let second: UInt64 = 1_000_000_000
        let main = try Self.switches(packets).filter { $0.cpu == 0 }
        #expect(
            main == [
                // Perfetto drops the first.
                Switch(cpu: 0, time: second, previousState: 0, next: 0, name: "swapper"),
                Switch(cpu: 0, time: second, previousState: 0, next: 1234, name: "api"),
                Switch(cpu: 0, time: second + 10_000_000, previousState: 1, next: 812, name: "cc1plus"),
                Switch(cpu: 0, time: 2 * second, previousState: 0, next: 4_194_305, name: "(not traced)"),
                Switch(cpu: 0, time: 2 * second, previousState: 0, next: 0, name: "swapper"),
            ])
        let threads = packets.flatMap { $0.messages(2) }.flatMap { $0.messages(2) }
        let names = threads.map { "\($0.numbers(3)[0]) \($0.numbers(1)[0]) \($0.texts(2)[0])" }
        #expect(names == ["1234 1234 api", "1234 1240 api worker", "812 812 cc1plus"])
        let clocks = packets[0].messages(6).flatMap { $0.messages(1) }
        #expect(clocks.flatMap { $0.numbers(1) } == [6, 1])
        #expect(clocks.flatMap { $0.numbers(2) } == [second, 1_795_650_000_500_000_000])
    }

    @Test func wakeUpsStandWithTheCoreOfTheWaker() throws {
        let header = TraceFixtures.header()
        let packets = try Self.packets(Self.written(header, TraceFixtures.events(header)))
        var wakeups: [UInt64: Set<String>] = [:]
        for (cpu, sched) in Self.bundles(packets) {
            let (cores, flags) = (sched.packed(9), sched.packed(12))
            for (index, tid) in sched.packed(8).enumerated() {
                wakeups[tid, default: []].insert("by core \(cpu) on \(cores[index]) flags \(flags[index])")
            }
        }
        #expect(wakeups == [1234: ["by core 0 on 0 flags 0"], 1240: ["by core 1 on 1 flags 8"]])
    }

    @Test func whereNobodyIsTracedNobodyIsInvented() throws {
        let header = TraceFixtures.header(.ownThreads, wakeups: false)
        let packets = try Self.packets(Self.written(header, TraceFixtures.events(header)))
        let main = try Self.switches(packets).filter { $0.cpu == 0 }.dropFirst(2).prefix(4)
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
        var bytes = writer.add(TraceBatch(events: events))
        bytes += writer.finish(TraceEnd(nanoseconds: 60_000_000, lost: 0))
        let cut = try #require(writer.cutAt)
        let switches = try Self.switches(Self.packets(bytes))
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
        #expect(try !Self.packets(Self.written(TraceFixtures.header(), events)).isEmpty)
    }

    @Test func numbersAreWrittenAsTheFormatHasThem() {
        var message = ProtobufMessage()
        message.add(1, 150 as UInt64)
        message.add(2, "testing")
        message.add(3, -2 as Int32)
        // Both first from protobuf.dev/programming-guides/encoding.
        #expect(message.bytes.prefix(3) == [0x08, 0x96, 0x01])
        #expect(message.bytes[3..<12] == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
        #expect(Array(message.bytes[12...]) == [0x18, 0xfe] + [UInt8](repeating: 0xff, count: 8) + [0x01])
        var numbers = ProtobufNumbers()
        for value in [3, 270, 86_942] as [UInt64] { numbers.append(value) }
        message = ProtobufMessage()
        message.add(6, packed: numbers)
        #expect(message.bytes == [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05])
    }
}
