import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.signal/1 document that the tests read.
struct SignalDocument: Decodable {
    struct Entry: Decodable {
        let number: Int32
        let name: String
        let disposition: String
        let effect: String
        let wouldEnd: Bool
        let isPending: Bool
    }

    let schema: String
    let signals: [Entry]

    /// What nusu says of a process.
    static func of(_ pid: pid_t) throws -> SignalDocument {
        let outcome = try run([Surroundings.nusu, "signal", "\(pid)", "--json"])
        guard outcome.status == 0 else { throw HarnessError("nusu signal: \(outcome.text)") }
        return try JSONDecoder().decode(SignalDocument.self, from: Data(outcome.output))
    }

    /// Asks until the process has got to where it is to be looked at.
    static func of(_ pid: pid_t, until isThere: (SignalDocument) throws -> Bool) throws -> SignalDocument {
        var document = try of(pid)
        _ = try comesTrue {
            if try isThere(document) { return true }
            document = try of(pid)
            return false
        }
        return document
    }

    func isAwaited(_ name: String) throws -> Bool { try of(name).effect.hasPrefix("wakes") }

    func of(_ name: String) throws -> Entry {
        guard let entry = signals.first(where: { $0.name == name }) else { throw HarnessError("no \(name)") }
        return entry
    }
}

/// What nusu says a signal would do, against what it does.
extension LiveTests {
    @Suite(.serialized) struct SignalTests {
        /// Every signal is sent to a process of its own; whether that ends must have been foretold.
        @Test(arguments: ["signals", "sigwait", "stubborn"])
        func foretold(_ name: String) throws {
            for number in Int32(1)...64 {
                // The test runner has Swift programs catch their crashes.
                let demo = try Demo("nusu-demo", [name], environment: ["SWIFT_BACKTRACE": "enable=no"])
                if name == "sigwait" {
                    #expect(try SignalDocument.of(demo.pid) { try $0.isAwaited("TERM") }.isAwaited("TERM"))
                }
                let said = try SignalDocument.of(demo.pid)
                try #require(said.signals.count == 64)
                let entry = said.signals[Int(number) - 1]
                #expect(entry.number == number)
                kill(demo.pid, number)
                let ended = demo.hasEnded(withinSeconds: entry.wouldEnd ? 60 : 0.03)
                #expect(ended == entry.wouldEnd, "\(name) \(entry)")
                if ended { continue }
                let isKept = entry.effect.hasPrefix("does nothing yet")
                let isStopped = entry.effect.hasPrefix("stops it")
                // On a busy machine it may take a while to get to the signal.
                let isAsSaid = try comesTrue {
                    let isPending = try SignalDocument.of(demo.pid).signals[Int(number) - 1].isPending
                    return isPending == isKept && (!isStopped || demo.view.state == "T")
                }
                #expect(isAsSaid, "\(name) \(entry)")
            }
        }

        @Test func dispositions() throws {
            let demo = try Demo("nusu-demo", ["signals"])
            let said = try SignalDocument.of(demo.pid)
            #expect(said.schema == "nusu.signal/1")
            #expect(try said.of("TERM").disposition == "caught")
            #expect(try said.of("HUP").disposition == "ignored")
            #expect(try said.of("USR1").disposition == "blocked")
            // One thread takes it.
            #expect(try said.of("USR2").disposition == "default")
            #expect(try said.of("USR2").wouldEnd)
            #expect(try said.of("KILL").disposition == "default")
        }

        @Test func waitedForAndReadThroughDescriptor() throws {
            let demo = try Demo("nusu-demo", ["sigwait"])
            let said = try SignalDocument.of(demo.pid) { try $0.isAwaited("TERM") }
            #expect(try said.of("TERM").effect.hasPrefix("wakes thread \(demo.pid)"))
            #expect(try said.of("INT").effect.contains("signalfd"))
        }

        @Test func stopped() throws {
            let demo = try Demo("nusu-demo", ["stopped"])
            #expect(comesTrue { demo.view.state == "T" })
            let said = try SignalDocument.of(demo.pid)
            #expect(try said.of("TERM").effect.contains("stopped"))
            #expect(try said.of("CONT").effect == "lets it go on")
            kill(demo.pid, SIGTERM)
            #expect(!demo.hasEnded(withinSeconds: 0.03))
            #expect(try SignalDocument.of(demo.pid).of("TERM").isPending)
            kill(demo.pid, SIGCONT)
            #expect(demo.hasEnded())
        }

        @Test func zombie() throws {
            let demo = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(demo.otherPid)
            let said = try SignalDocument.of(zombie)
            #expect(said.signals.allSatisfy { $0.effect.contains("has ended") && !$0.wouldEnd })
        }

        @Test func inTheKernel() throws {
            let demo = try Demo("nusu-demo", ["vfork"])
            #expect(comesTrue { demo.view.state == "D" })
            #expect(try SignalDocument.of(demo.pid).of("TERM").effect.contains("leaves the kernel"))
        }

        @Test(
            .enabled(
                if: Surroundings.isRoot && Surroundings.hasPidNamespaces,
                "making a pid namespace needs root and unshare"))
        func firstOfNamespace() throws {
            // unshare's child is number 1 there.
            let outer = try Child(["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"])
            let view = ProcessView(pid: outer.pid)
            _ = comesTrue { !view.children.isEmpty }
            let inner = try #require(view.children.first)
            #expect(comesTrue { Sleepers.sleeps(inner, "sleep") })
            let said = try SignalDocument.of(inner)
            #expect(try said.of("TERM").effect.contains("number 1"))
            #expect(try said.of("KILL").wouldEnd)
            kill(inner, SIGTERM)
            usleep(30_000)
            #expect(comesTrue { ProcessView(pid: inner).state == "S" })
        }

        @Test func explainsOne() throws {
            #expect(try run([Surroundings.nusu, "signal", "TERM"]).text.hasPrefix("SIGTERM is number 15"))
            #expect(try run([Surroundings.nusu, "signal", "--number", "143"]).text.contains("128 + 15"))
            #expect(try run([Surroundings.nusu, "signal", "--number", "127"]).status == 64)
            #expect(try run([Surroundings.nusu, "signal", "4000000000"]).status == 66)
        }
    }
}
