import Glibc
import Testing

/// Everything here starts processes and looks into them. One after the other: pauses and confirmations are timed, and
/// most machines that run tests have few cores.
@Suite(.serialized, .enabled(if: Surroundings.mayTrace, "this machine forbids ptrace"))
struct LiveTests {}

/// The demo's truth against nusu's answer, by address.
extension LiveTests {
    @Suite(.serialized) struct TruthTests {
        /// Cases whose targets stand still: nothing missed, nothing invented.
        static let quiet: [String] = [
            "overwrite", "reachable", "list", "rings", "long-ring", "tree", "interior", "bins", "sizes", "million",
            "noncontiguous", "foreign-sbrk", "epoll", "signalled", "piped", "trimmed", "history 1", "history 2",
            "arenas", "heaps",
            "mixed", "finished", "unjoined", "registers", "signal-frame", "stacks", "thread-local", "globals", "libc",
            "mappings", "remapped", "sparse", "fork-advice", "executable", "hostile", "forked", "random 1", "random 2",
            "random 3",
            "random 4", "random 5",
        ]

        @Test(arguments: quiet)
        func quietTarget(_ arguments: String) throws {
            try compare("nusu-demo", arguments)
        }

        /// The same answers by every method: a fork must not lose what only the live process has.
        @Test(
            arguments: ["fork", "copy", "stream"],
            [
                "overwrite", "arenas", "interior", "mappings", "fork-advice", "registers", "signal-frame", "sparse",
                "signalled", "piped",
            ])
        func everyMethod(_ method: String, _ arguments: String) throws {
            let document = try compare("nusu-demo", arguments, options: ["--snapshot", method])
            #expect(document.snapshot.method == method)
        }

        @Test(arguments: ["virtual", "bases", "cookie", "strings", "shared", "containers", "lost-map"])
        func cxx(_ arguments: String) throws {
            try compare("nusu-demo-cxx", arguments)
        }

        /// Exceptions kept for later are reached through their middle only: possible at worst, never lost.
        @Test func cxxExceptions() throws {
            try compare("nusu-demo-cxx", "exceptions", morePossible: true)
        }

        @Test func swiftObjects() throws {
            // The run-time's own tables are held by tagged pointers.
            try compare("nusu-demo-swift", "objects", morePossible: true)
        }

        /// Other settings of the C library's malloc.
        @Test(
            arguments: [
                "glibc.malloc.tcache_count=0", "glibc.malloc.mxfast=0", "glibc.malloc.mxfast=160",
                "glibc.malloc.hugetlb=1", "glibc.malloc.arena_max=1", "glibc.malloc.mmap_threshold=4096",
                "glibc.malloc.perturb=170", "glibc.malloc.top_pad=8388608",
            ],
            ["bins", "history 3"])
        func tunables(_ tunable: String, _ arguments: String) throws {
            try compare("nusu-demo", arguments, environment: ["GLIBC_TUNABLES": tunable])
        }

        /// Targets at work: no false verdict; what is missed is few.
        @Test(arguments: ["churn 4", "churn 1", "churn-single", "coming"], [1, 2, 3])
        func busyTarget(_ arguments: String, _ round: Int) throws {
            try compare("nusu-demo", arguments, doubtful: 2)
        }

        /// A target that loses blocks all the time: what was lost before the first snapshot is found; nothing that the
        /// demo holds is called lost.
        @Test func growingTarget() throws {
            let demo = try Demo("nusu-demo", ["grow"])
            #expect(
                try comesTrue {
                    try demo.takeLaterLines(forSeconds: 0.2)
                    return demo.truth.definite.count > 20
                })
            let before = demo.truth.definite
            let document = try LeakRun("\(demo.pid)").document()
            let found = Set(document.leaders("definite").keys)
            // It says what it has lost after it has lost it.
            _ = try comesTrue {
                try demo.takeLaterLines(forSeconds: 0.1)
                return found.isSubset(of: demo.truth.definite)
            }
            #expect(found.subtracting(demo.truth.definite).isEmpty)
            #expect(before.subtracting(found).count <= 2)
            #expect(before.count > 10)
        }

        /// The loader of the second namespace holds some of its own blocks through their middle.
        @Test func secondLibc() throws {
            try compare("nusu-demo", "second-libc", morePossible: true)
        }

        /// The child of a fork: everything is where it was in the parent, but much of it not yet touched.
        @Test(arguments: ["fork", "copy", "stream"])
        func inherited(_ method: String) throws {
            let demo = try Demo("nusu-demo", ["inherited"])
            let child = try #require(demo.otherPid)
            let document = try LeakRun("\(child)", ["--snapshot", method]).document()
            #expect(differences(document, from: demo.truth).isEmpty)
            #expect(ProcessView(pid: child).harm.isEmpty)
        }

        @Test func gapIsNamed() throws {
            let demo = try Demo("nusu-demo", ["executable"])
            let run = try LeakRun("\(demo.pid)")
            let document = try run.document()
            #expect(!document.gaps.isEmpty)
            #expect(run.outcome.status == 1)
        }

        /// What a further look says holds the blocks that are lost and were not found.
        private func holders(of demo: Demo, missedIn document: LeakDocument) throws -> String {
            let found = Set(document.leaders("definite").keys).union(document.leaders("cycle").keys)
            let missed = demo.truth.definite.subtracting(found).sorted().prefix(5)
            guard !missed.isEmpty else { return "" }
            let questions = missed.flatMap { ["--about", "0x" + String($0, radix: 16)] }
            return try run([Surroundings.nusu, "leaks", "\(demo.pid)", "--confirm", "never"] + questions).text
        }

        @discardableResult
        func compare(
            _ program: String, _ arguments: String, options: [String] = [], environment: [String: String] = [:],
            doubtful: Int = 0, morePossible: Bool = false
        ) throws -> LeakDocument {
            let words = arguments.split(separator: " ").map(String.init)
            let demo = try Demo(program, words, environment: environment)
            let run = try LeakRun("\(demo.pid)", options)
            let document = try run.document()
            let wrong = differences(document, from: demo.truth, doubtful: doubtful, morePossible: morePossible)
            let why = wrong.isEmpty ? "" : try holders(of: demo, missedIn: document)
            #expect(wrong.isEmpty, "\(arguments): \(wrong.joined(separator: "\n")) \(document.gaps) \(why)")
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
            let nothingLost = demo.truth.definite.isEmpty && demo.truth.rings.isEmpty
            #expect(run.outcome.status == (nothingLost ? (document.gaps.isEmpty ? 0 : 2) : 1))
            #expect(document.snapshot.exact)
            return document
        }
    }
}
