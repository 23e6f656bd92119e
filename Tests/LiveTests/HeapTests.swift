import FoundationEssentials
import Testing

/// `nusu heap` and `nusu why` against the demos' truth.
extension LiveTests {
    @Suite(.serialized) struct HeapTests {
        /// Types and verdicts add up to the heap, and nothing is harmed.
        @Test(
            arguments: [
                ("nusu-demo", "reachable"), ("nusu-demo", "interior"), ("nusu-demo", "arenas"),
                ("nusu-demo", "churn 4"),
                ("nusu-demo-cxx", "shared"), ("nusu-demo-swift", "objects"),
            ])
        func sums(_ program: String, _ arguments: String) throws {
            let demo = try Demo(program, arguments.split(separator: " ").map(String.init))
            let document = try heap(["\(demo.pid)"], status: 0)
            #expect(document.types.reduce(0) { $0 + $1.blocks } == document.summary.alive.blocks)
            #expect(document.types.reduce(0) { $0 + $1.bytes } == document.summary.alive.bytes)
            #expect(document.summary.alive.blocks + document.summary.lost.blocks == document.heap.blocks)
            for owner in document.owners {
                #expect(owner.retainedBytes <= document.summary.alive.bytes)
                #expect(owner.path.steps.last?.address == owner.address)
            }
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// Every block that the demo holds has a way from a root, every lost one has none.
        @Test(
            arguments: [
                ("globals", "data"), ("stacks", "stack"), ("registers", "register"), ("epoll", "kernel"),
                ("thread-local", "threadLocal"), ("overwrite", "data"), ("random 1", "data"),
            ])
        func ways(_ arguments: String, _ kind: String) throws {
            let demo = try Demo("nusu-demo", arguments.split(separator: " ").map(String.init))
            var kinds: Set<String> = []
            for address in demo.truth.reachable.sorted().prefix(6) {
                let document = try why([String(demo.pid), hexadecimal(address)])
                #expect(document.alive.blocks == 1 && document.lost.blocks == 0)
                let path = try #require(document.paths.first?.path)
                #expect(path.steps.last?.address == hexadecimal(address))
                let root = try #require(path.root)
                if root.kind == "register" { #expect(root.thread != nil) }
                kinds.insert(root.threadLocal ? "threadLocal" : root.kind)
            }
            for address in demo.truth.definite.sorted().prefix(3) {
                let document = try why([String(demo.pid), hexadecimal(address)])
                #expect(document.lost.blocks == 1 && document.paths.isEmpty)
            }
            #expect(kinds.contains(kind), "\(kinds)")
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test func variablesHaveNames() throws {
            let demo = try Demo("nusu-demo", ["globals"])
            let names = try demo.truth.reachable.compactMap { address in
                try why([String(demo.pid), hexadecimal(address)]).paths.first?.path.root?.symbol?.name
            }
            #expect(Set(names).isSuperset(of: ["in_data", "in_bss"]), "\(names)")
        }

        /// A word on a stack has the name of the function whose frame it lies in.
        @Test func stacksHaveFunctions() throws {
            let demo = try Demo("nusu-demo", ["stacks"])
            let functions = try demo.truth.reachable.compactMap { address in
                try why([String(demo.pid), hexadecimal(address)]).paths.first?.path.root
            }.filter { $0.kind == "stack" }.map { $0.function?.name ?? "" }
            #expect(!functions.isEmpty && Set(functions) == ["keep_on_stack"], "\(functions)")
        }

        @Test func tasksHaveFunctions() throws {
            let demo = try CycleDemo("nusu-demo-swift", "tasks")
            let outcome = try run([Surroundings.nusu, "heap", "--json", "\(demo.pid)"])
            let document = try JSONDecoder().decode(HeapDocument.self, from: Data(outcome.output))
            let sleepers = document.tasks.filter { $0.function == "closure #1 in nusu_demo_swift.Sleeper.start" }
            #expect(sleepers.map(\.count) == [5], "\(document.tasks)")
        }

        /// A closure that captured the model weakly does not hold it, and is named as what refers to it weakly.
        @Test func weakReferencesAreMarked() throws {
            let demo = try CycleDemo("nusu-demo-swift", "controls")
            let path = try #require(why(["\(demo.pid)", "WeakModel"]).paths.first?.path)
            let document = try why(["\(demo.pid)", #require(path.steps.last?.address)])
            #expect(document.weakHolders.map(\.kind) == ["block"])
        }

        /// A target at rest grows by nothing; so the status is 0.
        @Test func nothingGrows() throws {
            let demo = try Demo("nusu-demo", ["reachable"])
            let document = try heap(["\(demo.pid)", "--over", "500ms"], status: 0)
            #expect(document.growth?.types.isEmpty == true)
        }

        @Test(arguments: ["copy", "fork", "stream"]) func everyMethod(_ method: String) throws {
            let demo = try Demo("nusu-demo", ["reachable"])
            let document = try heap(["\(demo.pid)", "--snapshot", method], status: 0)
            let owner = try #require(document.owners.first)
            #expect(owner.path.root?.kind == "data")
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test func wrongQuestions() throws {
            let demo = try Demo("nusu-demo", ["reachable"])
            #expect(try run([Surroundings.nusu, "why", "\(demo.pid)", "0xzz"]).status == 64)
            let none = try why(["\(demo.pid)", "NoSuchType"])
            #expect(none.alive.blocks == 0 && none.paths.isEmpty)
            #expect(try why(["\(demo.pid)", "0x10"]).alive.blocks == 0)
        }

        private func heap(_ options: [String], status: Int32) throws -> HeapDocument {
            let outcome = try run([Surroundings.nusu, "heap", "--json"] + options)
            #expect(outcome.status == status, "\(outcome.text.prefix(600)) \(outcome.errors)")
            return try JSONDecoder().decode(HeapDocument.self, from: Data(outcome.output))
        }

        private func why(_ options: [String]) throws -> WhyDocument {
            let outcome = try run([Surroundings.nusu, "why", "--json"] + options)
            #expect(outcome.status == 0, "\(outcome.text.prefix(600)) \(outcome.errors)")
            return try JSONDecoder().decode(WhyDocument.self, from: Data(outcome.output))
        }

        private func hexadecimal(_ address: UInt64) -> String { "0x" + String(address, radix: 16) }
    }
}

/// The parts of the nusu.heap/1 document that the tests read.
struct HeapDocument: Decodable {
    struct Summary: Decodable {
        let alive: LeakDocument.Tally
        let lost: LeakDocument.Tally
    }

    struct TypeUse: Decodable {
        let type: String
        let blocks: Int
        let bytes: Int
    }

    struct Owner: Decodable {
        let address: String
        let retainedBytes: Int
        let path: WhyDocument.Path
    }

    struct Growth: Decodable {
        struct Grown: Decodable {
            let type: String
        }
        let types: [Grown]
    }

    let heap: LeakDocument.Heap
    let summary: Summary
    let types: [TypeUse]
    struct TaskUse: Decodable {
        let function: String?
        let count: Int
    }

    let owners: [Owner]
    let tasks: [TaskUse]
    let growth: Growth?
}

/// The parts of the nusu.why/1 document that the tests read.
struct WhyDocument: Decodable {
    struct Path: Decodable {
        struct Root: Decodable {
            struct Symbol: Decodable {
                let name: String
            }
            let kind: String
            let threadLocal: Bool
            let thread: Int?
            let symbol: Symbol?
            let function: Symbol?
        }
        struct Step: Decodable {
            let address: String
            let type: String
        }
        let root: Root?
        let steps: [Step]
    }

    struct Way: Decodable {
        let count: Int
        let path: Path
    }

    let alive: LeakDocument.Tally
    let lost: LeakDocument.Tally
    let paths: [Way]

    struct Holder: Decodable {
        let kind: String
    }

    let weakHolders: [Holder]
}
