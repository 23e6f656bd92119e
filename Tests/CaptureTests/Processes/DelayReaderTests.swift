import Glibc
import Kernel
import Model
import Testing

@testable import Capture

@Suite struct DelayReaderTests {
    private static let mayAsk: Bool = {
        guard let records = try? ThreadRecords() else { return false }
        return (try? records.read(ofThread: getpid())) != nil
    }()

    @Test(.enabled(if: mayAsk, "the kernel tells of delays with CAP_NET_ADMIN on the machine itself only"))
    func ofAThreadThatRuns() {
        let reader = DelayReader()
        #expect(reader.swapDelay(of: getpid()) != nil)
        // One that there is not tells nothing, and of others it can be asked as before.
        #expect(reader.swapDelay(of: Int32.max) == nil)
        #expect(reader.swapDelay(of: getpid()) != nil)
    }

    /// A number in a fixture is another process's on this machine.
    @Test func aFixtureIsNotAskedAbout() throws {
        let fixture = try ProcFixture()
        let pid = getpid()
        try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: "api"))
        let records = try ProcFS(root: fixture.root).scan(.init([.delays, .ioPriority], processes: [pid])).records
        #expect(records.count == 1 && records[0].swapDelay == nil && records[0].ioPriority == nil)
        let live = try ProcFS().scan(.init([.ioPriority], processes: [pid])).records
        #expect(live.first?.ioPriority != nil)
    }
}
