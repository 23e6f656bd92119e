import Model
import SystemPackage
import Testing

@testable import Capture

@Suite struct CoreRecordsTests {
    static let start: UInt64 = 1_000_000

    static func key(_ pid: Int32, _ tid: Int32) -> ThreadKey { ThreadKey(pid: pid, tid: tid) }

    static func read(_ ring: RingFixture, tracepoints: SchedulerTracepoints? = nil) -> CoreRecords {
        var records = CoreRecords(core: 3, start: start, tracepoints: tracepoints)
        ring.bytes.withUnsafeBytes { records.take($0) }
        return records
    }

    @Test func switchesAreReadInOrder() {
        var ring = RingFixture()
        ring.switchOut(0, 0, Self.start + 10)
        ring.switchIn(7, 8, Self.start + 11)
        ring.switchOut(7, 8, preempted: true, Self.start + 500)
        ring.switchIn(9, 9, Self.start + 501)
        ring.switchOut(9, 9, Self.start + 700)
        let records = Self.read(ring)
        #expect(records.damagedBytes == 0)
        #expect(
            records.events == [
                SwitchEvent(time: 10, core: 3, kind: .switchOut(.idle, .blocked(nil))),
                SwitchEvent(time: 11, core: 3, kind: .switchIn(Self.key(7, 8))),
                SwitchEvent(time: 500, core: 3, kind: .switchOut(Self.key(7, 8), .preempted)),
                SwitchEvent(time: 501, core: 3, kind: .switchIn(Self.key(9, 9))),
                SwitchEvent(time: 700, core: 3, kind: .switchOut(Self.key(9, 9), .blocked(nil))),
            ])
    }

    /// In a container a thread that is outside has the number of none.
    @Test func whoHasNoNumberMayBeAnybody() {
        var ring = RingFixture()
        ring.switchOut(0, 0, Self.start + 10)
        ring.switchIn(7, 8, Self.start + 11)
        ring.switchOut(7, 8, preempted: true, Self.start + 500)
        ring.switchIn(0, 0, Self.start + 501)
        // Ended, whoever it was.
        ring.switchOut(-1, -1, Self.start + 900)
        var records = CoreRecords(core: 3, start: Self.start, tracepoints: nil, isIdleTold: false)
        ring.bytes.withUnsafeBytes { records.take($0) }
        #expect(records.damagedBytes == 0)
        #expect(
            records.events == [
                SwitchEvent(time: 11, core: 3, kind: .switchIn(Self.key(7, 8))),
                SwitchEvent(time: 500, core: 3, kind: .switchOut(Self.key(7, 8), .preempted)),
            ])
    }

    @Test func namesForksAndEndsAreRead() {
        var ring = RingFixture()
        ring.birth(7, 20, 21, parent: 20, Self.start + 1)
        ring.name(20, 21, "a-name-of-fifte", Self.start + 2)
        ring.name(20, 21, "x", Self.start + 3)
        ring.birth(4, 20, 21, parent: 20, Self.start + 4)
        let kinds = Self.read(ring).events.map(\.kind)
        #expect(
            kinds == [
                .fork(parent: Self.key(20, 20), child: Self.key(20, 21)),
                .name(Self.key(20, 21), CommandName("a-name-of-fifte".utf8)),
                .name(Self.key(20, 21), CommandName("x".utf8)), .exit(Self.key(20, 21)),
            ])
    }

    /// A thread whose parent has already been told of its end has no number when it leaves its core.
    @Test func whoHasEndedLeavesUnderItsOldNumber() {
        var ring = RingFixture()
        ring.switchIn(7, 8, Self.start + 1)
        ring.switchOut(-1, -1, Self.start + 9)
        ring.switchIn(9, 9, Self.start + 10)
        #expect(
            Self.read(ring).events[1]
                == SwitchEvent(time: 9, core: 3, kind: .switchOut(Self.key(7, 8), .blocked(.ended))))
    }

    @Test func lostRecordsAreCountedWhereTheyWereLost() {
        var ring = RingFixture()
        ring.switchIn(7, 8, Self.start + 1)
        ring.lost(41, Self.start + 5)
        ring.switchIn(7, 8, Self.start + 6)
        let records = Self.read(ring)
        #expect(records.lost == 41)
        // The second beginning is no repetition: what lay between is not known.
        #expect(records.events.map(\.kind) == [.switchIn(Self.key(7, 8)), .lost(41), .switchIn(Self.key(7, 8))])
    }

    @Test func whatIsSaidTwiceCountsOnce() {
        var ring = RingFixture()
        for _ in 0..<2 { ring.switchIn(7, 8, Self.start + 1) }
        for _ in 0..<2 { ring.switchOut(7, 8, Self.start + 5) }
        for _ in 0..<2 { ring.switchIn(7, 8, Self.start + 9) }
        #expect(Self.read(ring).events.map(\.time) == [1, 5, 9])
    }

    @Test func wakeupsTellWhoAndWhere() throws {
        var ring = RingFixture()
        ring.sample(RingFixture.waking(50, core: 1), pid: 7, tid: 8, Self.start + 1)
        ring.sample(RingFixture.waking(51, core: 0, flags: 0x08), pid: 7, tid: 8, Self.start + 2)
        let records = Self.read(ring, tracepoints: try RingFixture.tracepoints())
        #expect(
            records.events == [
                SwitchEvent(time: 1, core: 1, kind: .wakeup(Self.key(0, 50), by: Self.key(7, 8))),
                // Who was interrupted has woken nobody.
                SwitchEvent(time: 2, core: 0, kind: .wakeup(Self.key(0, 51), by: .idle)),
            ])
    }

    @Test func sleepsAreTold() throws {
        var ring = RingFixture()
        ring.sample(RingFixture.leaving(8, state: 2), pid: 7, tid: 8, Self.start + 1)
        ring.switchOut(7, 8, Self.start + 2)
        ring.switchIn(9, 9, Self.start + 2)
        ring.switchOut(9, 9, Self.start + 3)
        // Of another thread: not this one's.
        ring.sample(RingFixture.leaving(77, state: 4), pid: 77, tid: 77, Self.start + 4)
        ring.switchOut(8, 8, Self.start + 5)
        let kinds = Self.read(ring, tracepoints: try RingFixture.tracepoints()).events.map(\.kind)
        #expect(
            kinds == [
                .switchOut(Self.key(7, 8), .blocked(.uninterruptible)), .switchIn(Self.key(9, 9)),
                .switchOut(Self.key(9, 9), .blocked(.interruptible)),
                .switchOut(Self.key(8, 8), .blocked(.interruptible)),
            ])
    }

    @Test func timeDoesNotRunBackwards() {
        var ring = RingFixture()
        ring.switchIn(7, 8, Self.start + 100)
        ring.switchOut(7, 8, Self.start + 90)
        ring.switchIn(9, 9, Self.start - 50)
        #expect(Self.read(ring).events.map(\.time) == [100, 100, 100])
    }

    @Test func formatsThatLackAFieldAreRefused() {
        #expect(throws: Errno.invalidArgument) {
            _ = try SchedulerTracepoints { _ in Array("name: x\nID: 5\nformat:\n".utf8) }
        }
        #expect(TracepointFormat(parsing: Array("ID: 99999999\n".utf8)) == nil)
    }

    @Test func truncatedRecordsAreNotRead() throws {
        var ring = RingFixture()
        ring.switchIn(7, 8, Self.start + 1)
        ring.sample(RingFixture.waking(50, core: 1), pid: 7, tid: 8, Self.start + 2)
        ring.name(7, 8, "name", Self.start + 3)
        let whole = ring.bytes
        let points = try RingFixture.tracepoints()
        for count in 0..<whole.count {
            ring.bytes = Array(whole[..<count])
            let records = Self.read(ring, tracepoints: points)
            let read = records.events.count
            #expect(read < 3 && records.damagedBytes <= count, "\(count) bytes")
        }
    }

    /// Whatever lies in a ring: it is read to its end, in the order of time, and nothing traps.
    @Test func hostileBytesDoNoHarm() throws {
        let points = try RingFixture.tracepoints()
        var ring = RingFixture()
        for round in 0..<20 {
            let tid = Int32(round)
            ring.switchIn(7, tid, Self.start + UInt64(round) * 10)
            ring.sample(RingFixture.waking(tid, core: 1), pid: 7, tid: tid, Self.start + UInt64(round) * 10 + 1)
            ring.sample(RingFixture.leaving(tid, state: 1), pid: 7, tid: tid, Self.start + UInt64(round) * 10 + 2)
            ring.switchOut(7, tid, Self.start + UInt64(round) * 10 + 3)
            ring.lost(3, Self.start + UInt64(round) * 10 + 4)
        }
        let whole = ring.bytes
        for round in Rounds.of(400, fuzz: 100_000) {
            var random = SeededGenerator(state: round)
            ring.bytes = whole
            for _ in 0..<(1 + random.next() % 8) {
                ring.bytes[Int(random.next() % UInt64(whole.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let records = Self.read(ring, tracepoints: points)
            let times = records.events.map(\.time)
            #expect(times == times.sorted(), "round \(round)")
        }
    }
}
