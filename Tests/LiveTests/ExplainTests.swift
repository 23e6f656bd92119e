import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.explain/1 document that the tests read.
struct ExplainDocument: Decodable {
    struct Fact: Decodable {
        let name: String
        let value: Value?
        let source: String
    }

    enum Value: Decodable {
        case number(Double)
        case text(String)
        case range(String, String)

        private enum Key: CodingKey { case start, end }

        init(from decoder: any Decoder) throws {
            if let single = try? decoder.singleValueContainer(), let number = try? single.decode(Double.self) {
                self = .number(number)
            } else if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
            } else {
                let range = try decoder.container(keyedBy: Key.self)
                self = .range(
                    try range.decode(String.self, forKey: .start), try range.decode(String.self, forKey: .end))
            }
        }

        var number: Double? { if case .number(let number) = self { number } else { nil } }
        var text: String? { if case .text(let text) = self { text } else { nil } }
    }

    struct Line: Decodable {
        let event: String
        let values: [Value]
    }

    struct Target: Decodable { let pid: Int32 }

    let target: Target?
    let facts: [Fact]
    let demo: [Line]?
    let command: String

    init(_ arguments: [String]) throws { self = try Self.decode(arguments) }

    private static func decode(_ arguments: [String]) throws -> ExplainDocument {
        let outcome = try run([Surroundings.nusu, "explain"] + arguments + ["--json"])
        guard outcome.status == 0 else { throw HarnessError("nusu explain: \(outcome.text) \(outcome.errors)") }
        return try JSONDecoder().decode(ExplainDocument.self, from: Data(outcome.output))
    }

    func number(_ name: String) -> Double? { facts.first { $0.name == name }?.value?.number }
    func values(_ event: String) -> [Value] { demo?.first { $0.event == event }?.values ?? [] }
}

extension LiveTests {
    @Suite(.serialized) struct ExplainTests {
        private static let topics = [
            "process", "pid", "parent", "fork", "idle", "init", "end", "shell", "signal", "zombie", "orphan",
            "address-space", "stack", "heap", "data", "bss", "leak", "raii", "context-switch", "scheduler",
            "round-robin",
            "priority", "pcb", "ipc",
        ]

        private func number(_ path: String) -> Double? {
            Surroundings.readFile(path)?.split { $0 == "\n" || $0 == " " }.first.flatMap { Double($0) }
        }

        private func counter(_ key: String) -> Double? {
            Surroundings.readFile("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix(key + " ") }
                .flatMap { Double($0.split(separator: " ")[1]) }
        }

        @Test func liveValues() throws {
            #expect(try ExplainDocument(["pid"]).number("pidLimit") == number("/proc/sys/kernel/pid_max"))
            let before = try #require(counter("processes"))
            let forks = try #require(try ExplainDocument(["fork"]).number("forksSinceBoot"))
            #expect(forks > before)
            #expect(forks <= (counter("processes") ?? 0))
            let release = Surroundings.readFile("/proc/sys/kernel/osrelease")?.filter { $0 != "\n" }
            let facts = try ExplainDocument(["scheduler"]).facts
            #expect(facts.first { $0.name == "kernelRelease" }?.value?.text == release)
            #expect(facts.first { $0.name == "cores" }?.value?.number == Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
            #expect(try ExplainDocument(["fork"]).number("pageSize") == Double(sysconf(Int32(_SC_PAGESIZE))))
            #expect(try #require(try ExplainDocument(["context-switch"]).number("switchesPerSecond")) > 0)
        }

        /// The values of a process, against what /proc says of it.
        @Test func valuesOfAProcess() throws {
            let demo = try Demo("nusu-demo", ["signals"])
            let pid = demo.pid
            func document(_ topic: String) throws -> ExplainDocument { try ExplainDocument([topic, "\(pid)"]) }
            let view = demo.view
            let stat = Surroundings.readFile("/proc/\(pid)/stat")?.split(separator: " ").map(String.init) ?? []
            try #require(stat.count > 40)
            #expect(try document("pid").number("ownPID") == Double(pid))
            #expect(try document("pid").target?.pid == pid)
            #expect(try document("process").number("ownThreads") == Double(view.threads.count))
            let parent = try document("parent")
            #expect(parent.facts.first { $0.name == "ownParent" }?.value?.text?.hasSuffix("(\(getpid()))") == true)
            #expect(parent.command == "nusu tree \(pid)")
            #expect(try document("shell").number("ownGroup") == Double(stat[4]))
            let priority = try document("priority")
            #expect(
                priority.number("ownPriority") == Double(stat[17]) && priority.number("ownNice") == Double(stat[18]))
            #expect(priority.facts.first { $0.name == "ownPolicy" }?.value?.text == "SCHED_OTHER")
            let caught = UInt64(view.status("SigCgt") ?? "", radix: 16)?.nonzeroBitCount
            let ignored = UInt64(view.status("SigIgn") ?? "", radix: 16)?.nonzeroBitCount
            let signal = try document("signal")
            #expect(signal.number("ownCaught") == caught.map { Double($0) })
            #expect(signal.number("ownIgnored") == ignored.map { Double($0) })
            #expect(signal.facts.first?.source == "/proc/\(pid)/status")
            let maps = Surroundings.readFile("/proc/\(pid)/maps")?.split(separator: "\n") ?? []
            let space = try document("address-space")
            #expect(space.number("ownMappings") == Double(maps.count))
            let reserved = view.status("VmSize")?.split(separator: " ").first.flatMap { Double($0) }
            #expect(space.number("ownReserved") == reserved.map { $0 * 1024 })
            for (topic, name, mark) in [("stack", "ownStack", "[stack]"), ("heap", "ownHeap", "[heap]")] {
                let line = try #require(maps.first { $0.hasSuffix(mark) })
                let bounds = line.split(separator: " ")[0].split(separator: "-").map { "0x\($0)" }
                guard
                    case .range(let start, let end)? = try document(topic).facts.first(where: { $0.name == name })?
                        .value
                else {
                    Issue.record("no \(name)")
                    continue
                }
                #expect([start, end] == bounds)
            }
            let switches = try document("context-switch")
            #expect(
                switches.number("ownVoluntarySwitches") == view.status("voluntary_ctxt_switches").flatMap { Double($0) }
            )
            #expect(try #require(switches.number("ownSwitchesPerSecond")) < 100)
            let data = try document("data").facts.first { $0.name == "ownData" }
            #expect(data?.value != nil)
        }

        @Test func otherTargets() throws {
            let parent = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(parent.otherPid)
            #expect(try ExplainDocument(["zombie", "\(parent.pid)"]).number("ownZombies") == 1)
            let ended = try ExplainDocument(["zombie", "\(zombie)"])
            #expect(ended.facts.first { $0.name == "ownState" }?.value?.text == "Z")
            #expect(try ExplainDocument(["end", "self"]).target != nil)
            #expect(
                try run([Surroundings.nusu, "explain", "idle", "\(parent.pid)"]).text.contains(
                    "this is the machine's"))
            #expect(try run([Surroundings.nusu, "explain", "stack", "4000000000"]).status == 66)
            let korean = try run([Surroundings.nusu, "explain", "stack", "\(parent.pid)", "--lang", "ko"])
            #expect(korean.text.contains("대상의 스택"))
        }

        @Test(arguments: topics)
        func everyTopicOfAProcess(_ topic: String) throws {
            let document = try ExplainDocument([topic, "\(getpid())"])
            #expect(document.target?.pid == getpid())
            #expect(topic == "idle" || document.facts.first?.name.hasPrefix("own") == true)
            #expect(document.facts.contains { $0.value != nil })
        }

        @Test func zombiesAreCounted() throws {
            let demos = try (0..<20).map { _ in try Demo("nusu-demo", ["zombie"]) }
            func ownCount() throws -> Int {
                try run(["ps", "-eo", "stat="]).text.split(separator: "\n").count { $0.hasPrefix("Z") }
            }
            // Those of other processes come and go: until there were as many before as after.
            var counts: (before: Int, said: Double?, after: Int) = (0, nil, -1)
            let areStill = try comesTrue {
                counts = (try ownCount(), try ExplainDocument(["zombie"]).number("zombies"), try ownCount())
                return counts.before == counts.after
            }
            #expect(areStill && counts.before >= demos.count && counts.said == Double(counts.after), "\(counts)")
            for demo in demos { demo.end() }
        }

        @Test(arguments: topics)
        func everyTopicHasALiveValue(_ topic: String) throws {
            let document = try ExplainDocument([topic])
            #expect(document.facts.contains { $0.value != nil })
            // A command of nusu's own must exist.
            let words = document.command.split(separator: " ").map(String.init)
            if words.first == "nusu" { #expect(try run([Surroundings.nusu, words[1], "--help"]).status == 0) }
        }

        @Test func copyOnWrite() throws {
            let demo = try ExplainDocument(["fork", "--demo"])
            #expect(demo.values("sharedBefore").map(\.number) == [1024, 1024])
            #expect(demo.values("sharedAfter").map(\.number) == [768, 256])
        }

        @Test func zombieAndOrphan() throws {
            let zombie = try ExplainDocument(["zombie", "--demo"])
            #expect(zombie.values("zombieState").dropFirst().first?.text == "Z")
            #expect(zombie.values("reaped").first?.number == 7)
            let orphan = try ExplainDocument(["orphan", "--demo"])
            let old = try #require(orphan.values("orphanBefore").last?.number)
            let new = try #require(orphan.values("orphanAfter").dropFirst().first?.number)
            #expect(old != new)
        }

        @Test func leakAndSignals() throws {
            let leak = try #require(try ExplainDocument(["leak", "--demo"]).demo)
            let resident = leak.compactMap { $0.event == "lostBlocks" ? $0.values.last?.number : nil }
            #expect(resident.count == 3)
            #expect(zip(resident, resident.dropFirst()).allSatisfy { $1 - $0 >= Double(8 << 20) })
            let signal = try ExplainDocument(["shell", "--demo"])
            #expect(signal.values("stoppedByKey").map(\.text) == ["T", "S"])
            #expect(signal.values("signalKilled").first?.number == 9)
        }

        @Test func switchesPriorityAddresses() throws {
            #expect(try ExplainDocument(["ipc", "--demo"]).values("pingPong").first?.number == 10_000)
            let shares = try ExplainDocument(["priority", "--demo"]).values("busyShare").compactMap(\.number)
            try #require(shares.count == 3)
            #expect(shares[1] > shares[2])
            let turns = try ExplainDocument(["round-robin", "--demo"])
            let equal = turns.values("turnShare").compactMap(\.number)
            try #require(equal.count == 3)
            #expect(abs(equal[1] - equal[2]) < 0.3)
            #expect(turns.values("turnsEnded").compactMap(\.number).allSatisfy { $0 > 5 })
            #expect(try ExplainDocument(["heap", "--demo"]).demo?.count == 5)
        }

        @Test func languages() throws {
            let korean = try run([Surroundings.nusu, "explain", "zombie"], environment: ["LC_ALL": "ko_KR.UTF-8"])
            #expect(korean.text.contains("좀비"))
            let english = try run(
                [Surroundings.nusu, "explain", "zombie", "--lang", "en"], environment: ["LC_ALL": "ko_KR.UTF-8"])
            #expect(!english.text.contains("좀비"))
            #expect(try run([Surroundings.nusu, "explain", "nonsense"]).status == 64)
            #expect(try run([Surroundings.nusu, "explain"]).text.split(separator: "\n").count == Self.topics.count + 1)
        }
    }
}
