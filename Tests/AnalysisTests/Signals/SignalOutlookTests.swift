import Model
import Testing

@testable import Analysis

/// The kernel's rules on processes made by hand; LiveTests compares with what really happens.
@Suite("What signals would do") struct SignalOutlookTests {
    private func process(_ states: String = "S", blocked: [UInt64] = [0]) -> ProcessSignals {
        var process = ProcessSignals(
            identity: ProcessIdentity(pid: 100, startTicks: 1, commandBytes: Array("api".utf8)))
        process.parent = 1
        process.namespacePids = [100]
        process.isGroupOrphaned = false
        for (index, state) in states.utf8.enumerated() {
            process.threads.append(
                ProcessSignals.Thread(
                    number: 100 + Int32(index), state: state,
                    blocked: SignalSet(bits: blocked[min(index, blocked.count - 1)])))
        }
        return process
    }

    private func bit(_ name: String) -> UInt64 {
        Signal.named(name).map { 1 << UInt64($0.number - 1) } ?? 0
    }

    private func outlook(_ name: String, _ process: ProcessSignals) throws -> SignalOutlook {
        process.outlook(of: try #require(Signal.named(name)))
    }

    @Test("Without handlers the default actions happen") func defaults() throws {
        let process = process()
        #expect(try outlook("TERM", process).outcome == .ends)
        #expect(try outlook("SEGV", process).outcome == .endsWithCore)
        #expect(try outlook("TSTP", process).outcome == .stops)
        #expect(try outlook("CHLD", process).outcome == .dropped(.ignoredByDefault))
        #expect(try outlook("CONT", process).outcome == .dropped(.notStopped))
        #expect(try outlook("RTMIN+2", process).outcome == .ends)
        #expect(process.outlooks.allSatisfy { $0.disposition == .default })
    }

    @Test("Caught and ignored") func set() throws {
        var process = process()
        process.caught = SignalSet(bits: bit("TERM") | bit("KILL"))
        process.ignored = SignalSet(bits: bit("HUP") | bit("STOP"))
        #expect(try outlook("TERM", process).outcome == .runsHandler)
        #expect(try outlook("HUP", process).outcome == .dropped(.ignored))
        // Bits that cannot be set change nothing.
        #expect(try outlook("KILL", process).outcome == .ends)
        #expect(try outlook("STOP", process).outcome == .stops)
    }

    @Test("Blocked only if every thread blocks it") func blocked() throws {
        let all = process("SS", blocked: [bit("TERM"), bit("TERM") | bit("KILL")])
        #expect(try outlook("TERM", all).outcome == .held(.blocked(thenDropped: false)))
        #expect(try outlook("TERM", all).disposition == .blocked)
        #expect(try outlook("KILL", all).outcome == .ends)
        let one = process("SS", blocked: [bit("TERM"), 0])
        #expect(try outlook("TERM", one).outcome == .ends)
        var ignored = process(blocked: [bit("HUP") | bit("CHLD")])
        ignored.ignored = SignalSet(bits: bit("HUP"))
        #expect(try outlook("HUP", ignored).outcome == .held(.blocked(thenDropped: true)))
        #expect(try outlook("CHLD", ignored).outcome == .held(.blocked(thenDropped: true)))
        var read = process(blocked: [bit("INT")])
        read.readThroughDescriptor = SignalSet(bits: bit("INT"))
        #expect(try outlook("INT", read).outcome == .held(.readThroughDescriptor))
    }

    @Test("A thread in sigwait takes what it waits for") func awaited() throws {
        var process = process("SS", blocked: [bit("TERM"), 0])
        process.threads[1].awaited = SignalSet(bits: bit("TERM"))
        #expect(try outlook("TERM", process).outcome == .wakesWaiter(thread: 101))
        #expect(try outlook("TERM", process).disposition == .blocked)
        #expect(try outlook("INT", process).outcome == .ends)
    }

    @Test("Number 1 of a namespace has no default actions") func firstProcess() throws {
        var inside = process()
        inside.namespacePids = [1]
        inside.caught = SignalSet(bits: bit("HUP"))
        #expect(try outlook("TERM", inside).outcome == .dropped(.firstProcess))
        #expect(try outlook("KILL", inside).outcome == .dropped(.firstProcess))
        #expect(try outlook("HUP", inside).outcome == .runsHandler)
        var outside = inside
        outside.namespacePids = [100, 1]
        #expect(try outlook("TERM", outside).outcome == .dropped(.firstProcess))
        #expect(try outlook("KILL", outside).outcome == .ends)
        #expect(try outlook("STOP", outside).outcome == .stops)
    }

    @Test("In the kernel: later") func uninterruptible() throws {
        let stuck = try outlook("KILL", process("D"))
        #expect(stuck.outcome == .ends)
        #expect(stuck.waitsForThread == 100)
        #expect(try outlook("TERM", process("SD")).waitsForThread == 101)
        var handler = process("DS")
        handler.caught = SignalSet(bits: bit("TERM"))
        #expect(try outlook("TERM", handler).waitsForThread == nil)
    }

    @Test("Zombies, kernel threads, stopped and traced processes") func states() throws {
        var zombie = process()
        zombie.threads = []
        #expect(zombie.outlooks.allSatisfy { $0.outcome == .dropped(.zombie(parent: 1)) })
        var kernel = process()
        kernel.isKernelThread = true
        #expect(kernel.outlooks.allSatisfy { $0.outcome == .dropped(.kernelThread) })

        let stopped = process("T")
        #expect(try outlook("TERM", stopped).outcome == .held(.stopped))
        #expect(try outlook("CONT", stopped).outcome == .resumes)
        #expect(try outlook("KILL", stopped).outcome == .ends)
        #expect(try outlook("STOP", stopped).outcome == .dropped(.alreadyStopped))
        #expect(try outlook("CHLD", stopped).outcome == .dropped(.ignoredByDefault))

        var traced = process("t")
        traced.tracer = 7
        #expect(try outlook("TERM", traced).outcome == .held(.tracerStopped(tracer: 7)))
        #expect(try outlook("KILL", traced).outcome == .ends)
        traced.threads[0].state = UInt8(ascii: "S")
        #expect(try outlook("TERM", traced).tracer == 7)
    }

    @Test("The terminal's stops do nothing to an orphaned group") func orphaned() throws {
        var process = process()
        process.isGroupOrphaned = true
        #expect(try outlook("TSTP", process).outcome == .dropped(.orphanedGroup))
        #expect(try outlook("STOP", process).outcome == .stops)
    }

    @Test("Pending, for a thread or for all") func pending() throws {
        var process = process()
        process.pending = SignalSet(bits: bit("USR1"))
        process.threads[0].pending = SignalSet(bits: bit("USR2"))
        #expect(process.outlooks.filter(\.isPending).map(\.signal.name) == ["USR1", "USR2"])
    }
}
