import Model
import Testing

@testable import Capture

@Suite struct LiveScanTests {
    private static func fixture() throws -> (ProcFixture, LiveScan) {
        let fixture = try ProcFixture()
        for pid in [1, 77, 90] as [Int32] {
            try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: "p\(pid)"))
            try fixture.write("\(pid)/cmdline", "program-\(pid)\0-x\0")
            try fixture.write("\(pid)/io", "read_bytes: \(pid)\nwrite_bytes: 5\n")
        }
        return (fixture, LiveScan(procfs: ProcFS(root: fixture.root), fileLimit: 1000))
    }

    private static func arguments(_ record: ProcessRecord) -> String {
        String(decoding: record.argumentBytes ?? [], as: UTF8.self)
    }

    @Test func statIsReadEachTimeAndTheRestOnce() throws {
        let (fixture, scan) = try Self.fixture()
        let first = try scan.look(.init())
        #expect(first.records.map(\.processID) == [1, 77, 90])
        #expect(first.records.allSatisfy { Self.arguments($0) == "program-\($0.processID)\0-x\0" && $0.owner != nil })
        try fixture.write("77/cmdline", "another\0")
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "p77", state: "R"))
        let second = try scan.look(.init())
        #expect(second.records[1].stat.state == UInt8(ascii: "R"))
        #expect(Self.arguments(second.records[1]) == "program-77\0-x\0")
        #expect(second.records.allSatisfy { $0.io == nil })
    }

    @Test func aHastyLookLeavesArgumentsToWhoIsSeenAndToTheNext() throws {
        let (fixture, scan) = try Self.fixture()
        let first = try scan.look(.init(everywhere: .io, isHasty: true))
        #expect(first.records.allSatisfy { $0.argumentBytes == nil && $0.owner != nil && $0.io != nil })
        let seen = try scan.complete(first, .init(processes: [90, 77, 4000]))
        #expect(seen.records.map(\.processID) == [1, 77, 90])
        #expect(seen.records.map(Self.arguments) == ["", "program-77\0-x\0", "program-90\0-x\0"])
        #expect(seen.records[0].io != nil)
        // What was read is read no more, and the rest now.
        try fixture.write("77/cmdline", "another\0")
        let second = try scan.look(.init())
        #expect(second.records.map(Self.arguments) == ["program-1\0-x\0", "program-77\0-x\0", "program-90\0-x\0"])
        try fixture.write("1/cmdline", "another\0")
        #expect(Self.arguments(try scan.look(.init()).records[0]) == "program-1\0-x\0")
    }

    @Test func ofLongArgumentsNoMoreIsKeptThanWasAskedFor() throws {
        let (fixture, _) = try Self.fixture()
        let scan = LiveScan(procfs: ProcFS(root: fixture.root), fileLimit: 1000, argumentLimit: 7)
        #expect(Self.arguments(try scan.look(.init()).records[1]) == "program")
        let seen = try scan.look(.init(visible: .arguments, processes: [77]))
        #expect(Self.arguments(seen.records[1]) == "program")
        #expect(Self.arguments(try scan.complete(seen, .init(processes: [77])).records[1]) == "program")
    }

    @Test func whatIsSeenIsReadAnew() throws {
        let (fixture, scan) = try Self.fixture()
        _ = try scan.look(.init())
        try fixture.write("77/cmdline", "title\0")
        let records = try scan.look(.init(visible: [.arguments, .io], processes: [77])).records
        #expect(Self.arguments(records[1]) == "title\0")
        #expect(records.map(\.io?.readBytes) == [nil, 77, nil])
    }

    @Test func whatRowsAreChosenByIsReadOfAll() throws {
        let (fixture, scan) = try Self.fixture()
        _ = try scan.look(.init())
        try fixture.write("90/io", "read_bytes: 91\nwrite_bytes: 5\n")
        let records = try scan.look(.init(everywhere: .io)).records
        #expect(records.map(\.io?.readBytes) == [1, 77, 91])
        // Together with what is read of one alone, and where one has gone.
        try fixture.write("77/io", "read_bytes: 78\nwrite_bytes: 5\n")
        try fixture.write("1/stat", "")
        let next = try scan.look(.init(everywhere: .io, visible: [.arguments], processes: [90])).records
        #expect(next.map(\.processID) == [77, 90] && next.map(\.io?.readBytes) == [78, 91])
    }

    @Test func anotherProgramHasOtherArguments() throws {
        let (fixture, scan) = try Self.fixture()
        _ = try scan.look(.init())
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "other"))
        try fixture.write("77/cmdline", "other\0")
        #expect(Self.arguments(try scan.look(.init()).records[1]) == "other\0")
    }

    @Test func anotherProcessWithTheNumberIsAnother() throws {
        let (fixture, scan) = try Self.fixture()
        _ = try scan.look(.init())
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "p77", start: 9000))
        try fixture.write("77/cmdline", "new\0")
        let records = try scan.look(.init()).records
        #expect(records[1].stat.startTicks == 9000)
        #expect(Self.arguments(records[1]) == "new\0")
    }

    @Test func comingAndGoing() throws {
        let (fixture, scan) = try Self.fixture()
        _ = try scan.look(.init())
        try fixture.write("300/stat", Sample.stat(pid: 300, command: "new"))
        try fixture.write("77/stat", "")
        #expect(try scan.look(.init()).records.map(\.processID) == [1, 90, 300])
    }

    /// Without a file to spare every process is still there.
    @Test func fewFiles() throws {
        let (fixture, _) = try Self.fixture()
        let scan = LiveScan(procfs: ProcFS(root: fixture.root), fileLimit: 1)
        for _ in 0..<3 { #expect(try scan.look(.init()).records.map(\.processID) == [1, 77, 90]) }
    }
}
