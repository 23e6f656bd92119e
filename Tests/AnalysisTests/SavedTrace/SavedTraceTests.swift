import Model
import Testing

@testable import Analysis

@Suite struct SavedTraceTests {
    static let process = ProcessIdentity(pid: 812, startTicks: 77, commandBytes: [0x61, 0xff, 0x1b])

    static func header(_ scope: TraceHeader.Scope = .process(process)) -> TraceHeader {
        TraceHeader(
            source: .cpuWide, scope: scope, cores: [0, 1, 200], startedAt: 1.75e9, wakeupsSeen: true,
            reasonsSeen: false,
            gaps: [Gap(what: "a", reason: "b", remedy: nil), Gap(what: "c", reason: "d", remedy: "e")])
    }

    static let end = TraceEnd(
        nanoseconds: 5_000_000_000, lost: 12,
        differences: [
            ScheduleDifference(
                thread: ThreadKey(pid: 812, tid: 813), command: CommandName("worker".utf8), runNanoseconds: 5,
                waitNanoseconds: nil, slices: 0, voluntary: nil, involuntary: .max, migrations: 3, isNew: true,
                hasEnded: false)
        ], gaps: [Gap(what: "f", reason: "g", remedy: nil)])

    static func randomKind(_ random: inout Seeded) -> SwitchEvent.Kind {
        func key() -> ThreadKey {
            ThreadKey(pid: Int32.random(in: 0...5, using: &random), tid: Int32.random(in: -1...20, using: &random))
        }
        let state = SleepState.allCases.randomElement(using: &random)
        return switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: .switchIn(key())
        case 2: .switchOut(key(), .preempted)
        case 3: .switchOut(key(), .blocked(nil))
        case 4: .switchOut(key(), .blocked(state))
        case 5: .wakeup(key(), by: nil)
        case 6: .wakeup(key(), by: Bool.random(using: &random) ? .idle : ThreadKey(pid: 3, tid: 4))
        case 7: .migration(key())
        case 8: .fork(parent: key(), child: key())
        case 9: .exit(key())
        case 10: .name(key(), CommandName([0xff, 0x1b, UInt8.random(in: 1...255, using: &random)]))
        default: Bool.random(using: &random) ? .found(key(), state) : .lost(UInt64.random(in: 0...9, using: &random))
        }
    }

    static func randomBatches(_ count: Int, events: Int, _ random: inout Seeded) -> [TraceBatch] {
        var time: UInt64 = 0
        return (0..<count).map { number in
            var batch = TraceBatch()
            for _ in 0..<events {
                time += UInt64.random(in: 0...2000, using: &random)
                let core = UInt16.random(in: 0...20, using: &random)
                batch.events.append(SwitchEvent(time: time, core: core, kind: randomKind(&random)))
            }
            batch.waits = [
                WaitSample(
                    time: time, thread: ThreadKey(pid: 1, tid: Int32(number)), channel: "pipe_read",
                    call: number % 2 == 0 ? nil : "read")
            ]
            batch.completeTo = time
            return batch
        }
    }

    static func saved(
        _ batches: [TraceBatch], header: TraceHeader = header(), limit: Int = .max
    ) throws -> [UInt8] {
        let file = Bytes()
        var writer = try SavedTraceWriter(header, limitBytes: limit) { (bytes) throws(Failure) in file.all += bytes }
        for batch in batches { try writer.add(batch) }
        try writer.finish(end)
        return file.all
    }

    final class Bytes {
        var all: [UInt8] = []
        var at = 0

        init(_ all: [UInt8] = []) { self.all = all }

        func next(_ count: Int) -> [UInt8] {
            defer { at = min(at + count, all.count) }
            return Array(all[at..<min(at + count, all.count)])
        }
    }

    static func reader(_ bytes: [UInt8]) throws(Failure) -> SavedTraceReader {
        let file = Bytes(bytes)
        return try SavedTraceReader(name: "t.nusu") { (count) throws(Failure) in file.next(count) }
    }

    static func read(
        _ bytes: [UInt8]
    ) throws(Failure) -> (header: TraceHeader, events: [SwitchEvent], waits: [WaitSample], end: TraceEnd?) {
        var reader = try reader(bytes)
        var (events, waits): ([SwitchEvent], [WaitSample]) = ([], [])
        while let batch = try reader.next() {
            events += batch.events
            waits += batch.waits
        }
        return (reader.header, events, waits, reader.end)
    }

    @Test func propertyWhatIsWrittenIsRead() throws {
        for round in Rounds.of(20, fuzz: 500) {
            var random = Seeded(round)
            let batches = Self.randomBatches(5, events: 40, &random)
            let read = try Self.read(try Self.saved(batches))
            #expect(read.header == Self.header())
            #expect(read.events == batches.flatMap(\.events))
            #expect(read.waits == batches.flatMap(\.waits))
            #expect(read.end == Self.end)
        }
    }

    @Test func everyScopeIsRead() throws {
        for scope in [TraceHeader.Scope.machine, .process(Self.process), .command(Self.process)] {
            let bytes = try Self.saved([], header: Self.header(scope))
            #expect(try Self.read(bytes).header.scope == scope)
        }
    }

    @Test func longTracesAreManyFramesOfFewBytes() throws {
        var batch = TraceBatch()
        let count = SavedTraceFormat.eventsPerFrame * 2 + 10
        for index in 0..<count {
            let key = ThreadKey(pid: 100, tid: 100 + Int32(index / 2 % 7))
            batch.events.append(
                SwitchEvent(
                    time: UInt64(index) * 1500 + UInt64(index * 7919 % 1000), core: UInt16(index / 2 % 2),
                    kind: index % 2 == 0 ? .switchIn(key) : .switchOut(key, .preempted)))
        }
        let bytes = try Self.saved([batch])
        #expect(try Self.read(bytes).events == batch.events)
        #expect(bytes.count < count * 6, "\(bytes.count) bytes")
    }

    /// The file ends at a frame, and says up to when it goes.
    @Test func limitEndsTheFile() throws {
        var random = Seeded(3)
        let batches = Self.randomBatches(8, events: SavedTraceFormat.eventsPerFrame, &random)
        let whole = try Self.saved(batches).count
        let bytes = try Self.saved(batches, limit: whole / 2)
        #expect(bytes.count < whole / 2 + 1000)
        let read = try Self.read(bytes)
        let end = try #require(read.end)
        let last = try #require(read.events.last)
        #expect(!read.events.isEmpty && read.events.count < batches.count * SavedTraceFormat.eventsPerFrame)
        #expect(end.nanoseconds >= last.time && end.nanoseconds < Self.end.nanoseconds)
        #expect(end.differences.isEmpty && end.gaps.contains { $0.what.hasPrefix("what came after the first") })
    }

    @Test func truncatedFilesAreReadAsFarAsTheyGo() throws {
        var random = Seeded(5)
        let bytes = try Self.saved(Self.randomBatches(3, events: 20, &random))
        for count in 0..<bytes.count {
            do {
                let read = try Self.read(Array(bytes[..<count]))
                #expect(read.end == nil, "\(count)")
            } catch { #expect(error.kind == .unsupported, "\(count)") }
        }
    }

    @Test func damagedFilesAreRefusedOrRead() throws {
        var random = Seeded(7)
        let batches = Self.randomBatches(3, events: 40, &random)
        let whole = try Self.saved(batches)
        for round in Rounds.of(500, fuzz: 50_000) {
            var random = Seeded(round)
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let read = try Self.read(bytes)
                // zlib's checksum: what is read is what was written.
                #expect(read.events.allSatisfy { event in batches.contains { $0.events.contains(event) } })
            } catch { #expect(error.kind == .unsupported) }
        }
    }

    /// Behind the checksum, too: frames whose content was made by somebody else.
    @Test func hostileFramesAreRefusedOrRead() throws {
        var random = Seeded(9)
        var writer = TraceEventWriter()
        for event in Self.randomBatches(1, events: 200, &random)[0].events { writer.add(event) }
        let content = writer.content(waits: [], completeTo: 1)
        for round in Rounds.of(1000, fuzz: 100_000) {
            var random = Seeded(round)
            var bytes = content
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var reader = TraceEventReader(bytes)
            if let batch = try? reader.batch(earliest: 0) {
                let times = batch.events.map(\.time)
                #expect(times == times.sorted())
            }
        }
    }

    @Test func otherFilesAreNamed() throws {
        var newer = try Self.saved([])
        newer[SavedTraceFormat.magic.count] = 2
        do {
            _ = try Self.reader(newer)
            Issue.record("read")
        } catch { #expect(error.what.contains("format 2")) }
        do {
            _ = try Self.reader(Array("something else entirely".utf8))
            Issue.record("read")
        } catch { #expect(error.what == "t.nusu is no trace that nusu saved") }
    }
}
