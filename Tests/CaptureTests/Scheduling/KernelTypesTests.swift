import Kernel
import Testing

@testable import Capture

@Suite struct KernelTypesTests {
    /// Types as a kernel tells them (include/uapi/linux/btf.h), made by hand.
    struct Fixture {
        private var types: [UInt8] = []
        private var names: [UInt8] = [0]
        private(set) var count: UInt32 = 0

        private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value) { Array($0) }
        }

        private mutating func name(_ text: String) -> UInt32 {
            if text.isEmpty { return 0 }
            defer { names += Array(text.utf8) + [0] }
            return UInt32(names.count)
        }

        private mutating func add(_ kind: UInt32, _ text: String, entries: Int = 0, size: UInt32 = 0, _ rest: [UInt8]) {
            types += Self.bytes(name(text)) + Self.bytes(kind << 24 | UInt32(entries)) + Self.bytes(size) + rest
            count += 1
        }

        mutating func number() { add(1, "int", size: 4, Self.bytes(UInt32(32))) }
        mutating func typeName(_ text: String) { add(8, text, []) }
        mutating func function(_ parameters: Int) {
            add(13, "", entries: parameters, [UInt8](repeating: 0, count: 8 * parameters))
        }
        mutating func variable(_ text: String) { add(14, text, Self.bytes(UInt32(0))) }

        mutating func structure(_ text: String, _ members: [(name: String, offset: Int)]) {
            let rest = members.flatMap { member in
                Self.bytes(name(member.name)) + Self.bytes(UInt32(1)) + Self.bytes(UInt32(member.offset * 8))
            }
            add(4, text, entries: members.count, rest)
        }

        mutating func section(_ variables: [(type: UInt32, offset: UInt32)]) {
            let rest = variables.flatMap { Self.bytes($0.type) + Self.bytes($0.offset) + Self.bytes(UInt32(4)) }
            add(15, ".data..percpu", entries: variables.count, rest)
        }

        var bytes: [UInt8] {
            [0x9f, 0xeb, 1, 0] + Self.bytes(UInt32(24)) + Self.bytes(UInt32(0)) + Self.bytes(UInt32(types.count))
                + Self.bytes(UInt32(types.count)) + Self.bytes(UInt32(names.count)) + types + names
        }
    }

    static func kernel(hot: Bool = false) -> Fixture {
        var fixture = Fixture()
        fixture.number()
        fixture.structure("thread_info", [("flags", 0), ("cpu", 20)])
        fixture.structure(
            "task_struct", [("thread_info", 0), ("", 40), ("se", 128), ("pid", 1264), ("tgid", 1268)])
        fixture.structure("sched_entity", [("load", 0), ("cfs_rq", 168)])
        fixture.structure("cfs_rq", [("rq", 312)])
        fixture.function(5)
        for name in ["switch", "waking", "wakeup_new", "migrate_task"] { fixture.typeName("btf_trace_sched_\(name)") }
        fixture.variable("runqueues")
        let queues = fixture.count
        if hot {
            fixture.structure("", [("current_task", 0), ("preempt_count", 8)])
            fixture.variable("pcpu_hot")
        } else {
            fixture.variable("__preempt_count")
        }
        fixture.section([(queues, 178_752), (fixture.count, 86_064)])
        return fixture
    }

    @Test(arguments: [false, true])
    func findsWhatTheProgramsRead(hot: Bool) throws {
        let layout = try #require(KernelTypes.schedulerLayout(Self.kernel(hot: hot).bytes))
        #expect(layout.hooks == .init(leaving: 7, waking: 8, wakeupNew: 9, migration: 10))
        #expect(layout.thread == 1264 && layout.process == 1268 && layout.core == 20)
        #expect(layout.fairQueue == 128 + 168 && layout.coreQueue == 312)
        #expect(layout.preemptCount == 86_064 - 178_752 + (hot ? 8 : 0))
    }

    @Test func otherKernelsHaveNone() {
        var fixture = Self.kernel()
        fixture.structure("cfs_rq", [("other", 0)])
        #expect(KernelTypes.schedulerLayout(fixture.bytes) == nil)
        #expect(KernelTypes.schedulerLayout([]) == nil)
        #expect(KernelTypes.schedulerLayout(Array("text".utf8)) == nil)
    }

    @Test func damagedTypesDoNoHarm() {
        let whole = Self.kernel().bytes
        for count in 0..<whole.count { #expect(KernelTypes.schedulerLayout(Array(whole[..<count])) == nil, "\(count)") }
        for round in Rounds.of(2000, fuzz: 200_000) {
            var random = SeededGenerator(state: round)
            var bytes = whole
            for _ in 0..<(1 + random.next() % 4) {
                bytes[Int(random.next() % UInt64(whole.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            // Whatever is made of it: the kernel checks every access before a program runs.
            _ = KernelTypes.schedulerLayout(bytes)
        }
    }
}
