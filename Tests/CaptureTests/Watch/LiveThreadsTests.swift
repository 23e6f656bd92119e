import Model
import Testing

@testable import Capture

@Suite struct LiveThreadsTests {
    private let fixture: ProcFixture
    private let live: LiveThreads

    init() throws {
        fixture = try ProcFixture()
        live = LiveThreads(procfs: ProcFS(root: fixture.root))
        for thread in [77, 80, 81] as [Int32] { try write(thread) }
        for thread in [90, 91] as [Int32] { try write(thread, of: 90) }
    }

    private func write(_ thread: Int32, of process: Int32 = 77, state: String = "S", start: UInt64 = 500) throws {
        try fixture.write(
            "\(process)/task/\(thread)/stat",
            Sample.stat(pid: thread, command: "t\(thread)", state: state, start: start))
        try fixture.write("\(process)/task/\(thread)/schedstat", "\(thread) 5 6\n")
    }

    private func process(_ pid: Int32, threads: Int, start: UInt64 = 400) throws -> ProcessRecord {
        let bytes = Sample.stat(pid: pid, command: "p\(pid)", start: start)
        var stat = try #require(bytes.withUnsafeBufferPointer { ProcessStat(parsing: $0) })
        stat.threadCount = threads
        var record = ProcessRecord(stat: stat, processID: pid)
        record.owner = .init(user: 7, group: 8)
        record.argumentBytes = Array("program\0".utf8)
        return record
    }

    private func numbers(
        _ processes: [ProcessRecord], _ request: LiveThreads.Request = .init(), limit: Int = 100
    ) -> [Int32] { live.look(request, of: processes, fileLimit: limit).map(\.stat.pid) }

    @Test func oneRecordForEachThreadOfThoseWithSeveral() throws {
        try fixture.write("5/task/5/stat", Sample.stat(pid: 5, command: "alone"))
        let records = live.look(
            .init(), of: [try process(5, threads: 1), try process(77, threads: 3), try process(90, threads: 2)],
            fileLimit: 100)
        #expect(records.map(\.stat.pid) == [77, 80, 81, 90, 91])
        #expect(records.map(\.processID) == [77, 77, 77, 90, 90])
        #expect(records.allSatisfy { $0.isThread && $0.owner?.user == 7 && $0.argumentBytes?.count == 8 })
        #expect(records[1].stat.commandBytes == Array("t80".utf8))
        #expect(records.allSatisfy { $0.runTimes == nil })
    }

    @Test func eachIsReadAnewAndTheirNumbersOnlyWhereTheyChanged() throws {
        _ = numbers([try process(77, threads: 3)])
        try write(80, state: "R")
        // A folder that is new is not seen while the process counts three threads.
        try write(82)
        let second = live.look(.init(), of: [try process(77, threads: 3)], fileLimit: 100)
        #expect(second.map(\.stat.pid) == [77, 80, 81] && second[1].stat.state == UInt8(ascii: "R"))
        #expect(try numbers([process(77, threads: 4)]) == [77, 80, 81, 82])
    }

    @Test func comingAndGoing() throws {
        _ = numbers([try process(77, threads: 3)])
        try fixture.write("77/task/80/stat", "")
        try write(79)
        #expect(try numbers([process(77, threads: 3)]) == [77, 79, 81])
        #expect(try numbers([process(77, threads: 1)]) == [])
        #expect(try numbers([process(77, threads: 3)]) == [77, 79, 81])
    }

    /// Another thread, or another process, with the number is another.
    @Test func numbersThatAreGivenOutAgain() throws {
        _ = numbers([try process(77, threads: 3)])
        try write(81, start: 900)
        let second = live.look(.init(), of: [try process(77, threads: 3)], fileLimit: 100)
        #expect(second.map(\.stat.startTicks) == [500, 500, 900])
        for thread in [77, 80, 81] as [Int32] { try write(thread, start: 1000) }
        let third = live.look(.init(), of: [try process(77, threads: 3, start: 1000)], fileLimit: 100)
        #expect(third.map(\.stat.startTicks) == [1000, 1000, 1000])
    }

    /// Without a file to spare every thread is still there.
    @Test func fewFiles() throws {
        for limit in [0, 2, 100, 1, 0, 100] {
            let processes = [try process(77, threads: 3), try process(90, threads: 2)]
            #expect(numbers(processes, limit: limit) == [77, 80, 81, 90, 91])
        }
    }

    @Test func otherFilesAreReadOfThoseInSightOrOfAll() throws {
        let processes = [try process(77, threads: 3)]
        let seen = live.look(.init(visible: [.schedstat, .arguments], threads: [80]), of: processes, fileLimit: 100)
        #expect(seen.map(\.runTimes?.ran) == [nil, 80, nil])
        let all = live.look(.init(everywhere: .schedstat), of: processes, fileLimit: 100)
        #expect(all.map(\.runTimes?.ran) == [77, 80, 81])
    }

    @Test func whatCannotBeReadIsNotThere() throws {
        try fixture.write("77/task/80/stat", "nonsense")
        try fixture.write("77/task/x/stat", Sample.stat(pid: 4, command: "x"))
        try fixture.write("77/task/83/stat", Sample.stat(pid: 84, command: "other"))
        #expect(try numbers([process(77, threads: 3), process(4000, threads: 9)]) == [77, 81])
    }
}
