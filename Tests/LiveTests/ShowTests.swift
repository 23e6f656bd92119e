import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.show/1 document that the tests read.
struct ShowDocument: Decodable {
    struct Wait: Decodable {
        struct Socket: Decodable {
            let purpose: String
            let transport: String?
            let isAccepted: Bool?
            let name: String?
        }

        struct Lock: Decodable {
            let kind: String
            let isShared: Bool?
            let missingOwner: Int32?
        }

        let pid: Int32
        let tid: Int32
        let call: String?
        let reason: String
        let awaited: [Int32]
        let awaitedThreads: [Int32?]
        let hasTimeout: Bool
        let socket: Socket?
        let lock: Lock?
    }

    struct Relative: Decodable { let pid: Int32 }
    struct Scheduling: Decodable {
        let nice: Int32
        let policy: String
    }
    struct Rates: Decodable {
        let seconds: Double
        let cores: Double?
        let voluntarySwitchesPerSecond: Double?
        let involuntarySwitchesPerSecond: Double?
    }
    struct Gap: Decodable { let remedy: String? }
    struct Thread: Decodable { let tid: Int32 }

    let schema: String
    let pid: Int32
    let ppid: Int32
    let state: String
    let stopSignal: String?
    let waits: [Wait]
    let isDeadlock: Bool
    let circle: [Int32]
    let circleThreads: [Int32]
    let children: [Relative]
    let ancestors: [Relative]
    let threads: [Thread]
    let scheduling: Scheduling
    let descriptors: [String: Int]?
    let gaps: [Gap]
    let sleepsSeconds: Double?
    let rates: Rates?

    static func of(_ pid: pid_t) throws -> ShowDocument {
        let outcome = try run([Surroundings.nusu, "show", "\(pid)", "--json", "--interval", "0"])
        guard outcome.status == 0 else { throw HarnessError("nusu show: \(outcome.text)") }
        return try JSONDecoder().decode(ShowDocument.self, from: Data(outcome.output))
    }

    /// Asks until the process has got to where it is to be looked at.
    static func of(_ pid: pid_t, until isThere: (ShowDocument) -> Bool) throws -> ShowDocument {
        var document = try of(pid)
        _ = try comesTrue {
            if isThere(document) { return true }
            document = try of(pid)
            return false
        }
        return document
    }
}

extension LiveTests {
    @Suite(.serialized) struct ShowTests {
        @Test func deadlock() throws {
            let demo = try Demo("nusu-demo", ["deadlock"])
            let child = try #require(demo.otherPid)
            let shown = try ShowDocument.of(demo.pid) { $0.isDeadlock }
            #expect(shown.isDeadlock)
            #expect(Set(shown.circle) == [demo.pid, child])
            #expect(shown.waits.first?.call == "read")
            #expect(try run([Surroundings.nusu, "show", "\(child)"]).text.contains("deadlock of 2 processes"))
        }

        @Test func lockOfAFile() throws {
            let demo = try Demo("nusu-demo", ["locked"])
            let child = try #require(demo.otherPid)
            let shown = try ShowDocument.of(child) { $0.waits.first?.awaited.isEmpty == false }
            #expect(shown.waits.first?.call == "flock")
            #expect(shown.waits.first?.awaited == [demo.pid])
            #expect(!shown.isDeadlock)
        }

        @Test func waitsForItsChild() throws {
            let demo = try Demo("nusu-demo", ["reaping"])
            let child = try #require(demo.otherPid)
            let shown = try ShowDocument.of(demo.pid) { $0.waits.count == 2 }
            #expect(shown.schema == "nusu.show/1")
            #expect(shown.waits.map(\.pid) == [demo.pid, child])
            #expect(shown.waits.first?.call == "wait4")
            #expect(shown.waits.last?.call == "clock_nanosleep")
            #expect(shown.children.map(\.pid) == [child])
            #expect(shown.ppid == getpid())
            #expect(shown.ancestors.first?.pid == getpid())
        }

        @Test func vforkWaitsForItsChild() throws {
            let demo = try Demo("nusu-demo", ["vfork"])
            let shown = try ShowDocument.of(demo.pid) { $0.waits.count == 2 }
            #expect(shown.state == "D")
            #expect(shown.waits.first?.awaited == demo.view.children)
        }

        @Test func unusualStates() throws {
            let parent = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(parent.otherPid)
            let text = try run([Surroundings.nusu, "show", "\(zombie)"])
            #expect(text.status == 0 && text.text.contains("its parent \(parent.pid) must wait for it"))
            #expect(
                try run([Surroundings.nusu, "show", "\(parent.pid)"]).text.contains("1 zombie that it must wait for"))
            let stopped = try Demo("nusu-demo", ["stopped"])
            let document = try ShowDocument.of(stopped.pid) { $0.state == "T" }
            // Linux 5.10 does not say by which signal.
            let signal = document.stopSignal.map { _ in "STOP" }
            #expect(document.state == "T" && document.stopSignal == signal)
            let said = "is stopped by \(signal ?? "a signal"); CONT lets it go on"
            #expect(try run([Surroundings.nusu, "show", "\(stopped.pid)"]).text.contains(said))
            let traced = try Demo("nusu-demo", ["traced"])
            let tracer = try #require(traced.otherPid)
            #expect(try run([Surroundings.nusu, "show", "\(traced.pid)"]).text.contains("traced by \(tracer)"))
            #expect(try run([Surroundings.nusu, "show", "4000000000"]).status == 66)
            #expect(try run([Surroundings.nusu, "show", "self"]).status == 0)
        }

        /// On every processor: their clocks are not the same.
        @Test(.enabled(if: installed("taskset") != nil, "taskset is not installed"))
        func sinceWhenItSleeps() throws {
            for processor in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
                let start = Clock.now
                let child = try Child(["taskset", "-c", "\(processor)", "sleep", "50"])
                #expect(comesTrue { Sleepers.sleeps(child.pid, "sleep") })
                let asleep = Clock.now
                usleep(700_000)
                let asked = Clock.now
                let sleeps = try #require(try ShowDocument.of(child.pid).sleepsSeconds)
                #expect(
                    sleeps >= asked - asleep - 0.02 && sleeps <= Clock.now - start + 0.02,
                    "processor \(processor): \(sleeps)")
            }
        }

        /// A rate over the seconds that nusu looked, against the kernel's counter before and after the whole of its run: what
        /// was counted outside of these seconds is at most `most` in each. So it holds however busy the machine is.
        @discardableResult
        private func compare(
            _ pid: pid_t, over interval: Double, most: Double, rate: (ShowDocument.Rates) -> Double?,
            counter: () -> Double?
        ) throws -> ShowDocument.Rates {
            let (start, before) = (Clock.now, try #require(counter()))
            let outcome = try run([Surroundings.nusu, "show", "\(pid)", "--json", "--interval", "\(interval)s"])
            let (time, counted) = (Clock.now - start, try #require(counter()) - before)
            let rates = try #require(try JSONDecoder().decode(ShowDocument.self, from: Data(outcome.output)).rates)
            let seen = try #require(rate(rates)) * rates.seconds
            // Counters of time are read in hundredths of a second.
            #expect(
                seen <= counted + 0.03 * most + 0.001 * seen, "\(seen) of \(counted) in \(rates.seconds) of \(time)")
            #expect(
                seen >= counted - most * (time - rates.seconds + 0.05),
                "\(seen) of \(counted) in \(rates.seconds) of \(time)")
            #expect(rates.seconds >= interval && rates.seconds <= time)
            return rates
        }

        @Test func rates() throws {
            // 20 sleeps of 50 ms in each second, but for what the machine's load takes.
            let sleeper = try Child(["perl", "-e", "select(undef, undef, undef, 0.05) while 1"])
            #expect(ProcessView(pid: sleeper.pid).becomesQuiet())
            let slow = try compare(sleeper.pid, over: 1, most: 21, rate: \.voluntarySwitchesPerSecond) {
                ProcessView(pid: sleeper.pid).status("voluntary_ctxt_switches").flatMap { Double($0) }
            }
            #expect(try #require(slow.cores) < 0.2)
            #expect(try ShowDocument.of(sleeper.pid).rates == nil)
            let busy = try Child(["perl", "-e", "1 while 1"])
            try busy.settle()
            try compare(busy.pid, over: 0.5, most: 1, rate: \.cores) {
                ProcessView(pid: busy.pid).timeOnProcessor(of: busy.pid).map { Double($0) / 1e9 }
            }
            #expect(try run([Surroundings.nusu, "show", "\(busy.pid)"]).text.contains("% of one core"))
            #expect(try run([Surroundings.nusu, "show", "1", "--interval", "61s"]).status == 64)
        }

        @Test func everyLineExplained() throws {
            let demo = try Demo("nusu-demo", ["arenas"])
            let plain = try run([Surroundings.nusu, "show", "\(demo.pid)"]).text.split(separator: "\n")
            let explained = try run([Surroundings.nusu, "show", "\(demo.pid)", "--explain", "--threads"]).text
            #expect(explained.split(separator: "\n").count > plain.count + 12)
            let shown = try ShowDocument.of(demo.pid)
            #expect(shown.threads.count == demo.view.threads.count)
            #expect(shown.threads.allSatisfy { explained.contains("\($0.tid)") })
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func withoutRights() throws {
            let demo = try Demo("nusu-demo", ["reaping"])
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let outcome = try run(nobody + ["\(folder)/nusu", "show", "\(demo.pid)", "--json"])
            #expect(outcome.status == 0)
            let shown = try JSONDecoder().decode(ShowDocument.self, from: Data(outcome.output))
            #expect(shown.descriptors == nil)
            #expect(shown.gaps.contains { $0.remedy == "sudo nusu show \(demo.pid)" })
            #expect(shown.children.count == 1)
            #expect(shown.scheduling.policy == "normal")
        }
    }
}
