import Model
import Testing

@testable import Capture

/// What nusu's own programs write.
@Suite struct ProgramRecordTests {
    static func record(
        _ time: UInt64, _ kind: UInt32, _ first: (Int32, Int32), _ second: (Int32, Int32) = (0, 0), value: UInt32 = 0,
        flags: UInt32 = 0
    ) -> [UInt8] {
        func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
        return bytes(time) + bytes(first.1) + bytes(first.0) + bytes(second.1) + bytes(second.0) + bytes(value)
            + bytes(kind | flags << 8)
    }

    static func read(_ bytes: [UInt8], lost: UInt64 = 0) -> CoreRecords {
        var records = CoreRecords(core: 1, start: 1000, tracepoints: nil)
        bytes.withUnsafeBytes { records.take(program: $0, lost: lost) }
        return records
    }

    @Test func aSwitchIsTwoEvents() {
        let (one, two) = (ThreadKey(pid: 7, tid: 8), ThreadKey(pid: 9, tid: 9))
        let records = Self.read(
            Self.record(1010, 1, (7, 8), (9, 9), value: 2) + Self.record(1020, 1, (9, 9), (0, 0), value: 1, flags: 1)
                + Self.record(1030, 1, (0, 0), (7, 8), value: 0) + Self.record(1040, 1, (7, 8), (9, 9), value: 0x80))
        #expect(
            records.events == [
                SwitchEvent(time: 10, core: 1, kind: .switchOut(one, .blocked(.uninterruptible))),
                SwitchEvent(time: 10, core: 1, kind: .switchIn(two)),
                // Preempted on its way to sleep: it has not slept yet.
                SwitchEvent(time: 20, core: 1, kind: .switchOut(two, .preempted)),
                SwitchEvent(time: 20, core: 1, kind: .switchIn(.idle)),
                SwitchEvent(time: 30, core: 1, kind: .switchOut(.idle, .preempted)),
                SwitchEvent(time: 30, core: 1, kind: .switchIn(one)),
                SwitchEvent(time: 40, core: 1, kind: .switchOut(one, .blocked(.ended))),
                SwitchEvent(time: 40, core: 1, kind: .switchIn(two)),
            ])
    }

    @Test func wakeupsTellInterruptsApart() {
        let woken = ThreadKey(pid: 7, tid: 8)
        let records = Self.read(
            Self.record(1010, 2, (7, 8), (9, 9), value: 3, flags: 0x4)
                + Self.record(1020, 2, (7, 8), (9, 9), value: 0, flags: 0x1_0003)
                + Self.record(1030, 2, (7, 8), (9, 9), value: 0, flags: 0x104) + Self.record(1040, 3, (7, 8), value: 2))
        let waker = ThreadKey(pid: 9, tid: 9)
        #expect(
            records.events == [
                SwitchEvent(time: 10, core: 3, kind: .wakeup(woken, by: waker)),
                SwitchEvent(time: 20, core: 0, kind: .wakeup(woken, by: .idle)),
                SwitchEvent(time: 30, core: 0, kind: .wakeup(woken, by: waker)),
                SwitchEvent(time: 40, core: 2, kind: .migration(woken)),
            ])
    }

    @Test func whatWasBeforeIsLeftOutAndWhatWasLostIsSaid() {
        let records = Self.read(Self.record(900, 3, (1, 1)) + Self.record(1005, 3, (1, 1), value: 4), lost: 6)
        #expect(records.events.map(\.kind) == [.migration(ThreadKey(pid: 1, tid: 1)), .lost(6)])
        #expect(records.events.map(\.time) == [5, 5] && records.lost == 6)
    }

    /// While those who are there already are read, rings run over; the trace begins after that.
    @Test func whatWasLostBeforeTheTraceIsNoLoss() {
        var records = CoreRecords(core: 1, start: 1000, tracepoints: nil, lostBefore: 6)
        records.note(lostInAll: 6)
        #expect(records.lost == 0 && records.events.isEmpty)
        records.note(lostInAll: 9)
        records.note(lostInAll: 9)
        #expect(records.lost == 3 && records.events.map(\.kind) == [.lost(3)])
    }

    @Test func hostileRecordsDoNoHarm() {
        let whole = (0..<10).flatMap { Self.record(1000 + UInt64($0), UInt32($0 % 3 + 1), (7, 8), (9, 9)) }
        for round in Rounds.of(500, fuzz: 50_000) {
            var random = SeededGenerator(state: round)
            var bytes = Array(whole[..<Int(random.next() % UInt64(whole.count + 1))])
            for _ in 0..<4 where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let records = Self.read(bytes)
            #expect(records.events.map(\.time) == records.events.map(\.time).sorted())
            #expect(records.events.count <= bytes.count / 16 && records.damagedBytes <= bytes.count)
        }
    }

    @Test func everyStateOfSleep() {
        let expected: [UInt32: SleepState?] = [
            0: nil, 1: .interruptible, 2: .uninterruptible, 0x102: .uninterruptible, 0x402: .idle, 0x4: .stopped,
            0x104: .stopped, 0x8: .traced, 0x10: .ended, 0x20: .ended, 0x40: .parked, 0x80: .ended,
            0x2001: .interruptible,
            0x1000: .uninterruptible, 0x8000: .uninterruptible,
        ]
        for (bits, state) in expected { #expect(SleepState(taskState: bits) == state, "\(bits)") }
    }
}
