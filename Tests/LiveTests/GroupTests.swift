import Glibc
import Testing

/// Groups by name: the same in every run, shown as trees, left out by patterns.
extension LiveTests {
    @Suite(.serialized) struct GroupTests {
        private static let programs = [
            ["nusu-demo", "rings"], ["nusu-demo", "tree"], ["nusu-demo", "list"], ["nusu-demo", "arenas"],
            ["nusu-demo-cxx", "virtual"], ["nusu-demo-cxx", "shared"], ["nusu-demo-swift", "classes"],
            ["nusu-demo-swift", "collections"], ["nusu-demo-swift", "memory"],
            ["nusu-demo-swift", "values"],
        ]

        /// Every run lies elsewhere in memory, and the method is another one.
        @Test(arguments: programs)
        func signatures(_ program: [String]) throws {
            let runs = try ["fork", "copy"].map { method in
                if program[0].hasSuffix("swift") {
                    let demo = try CycleDemo(program[0], program[1])
                    return try LeakRun("\(demo.pid)", ["--snapshot", method]).document()
                }
                let demo = try Demo(program[0], [program[1]])
                return try LeakRun("\(demo.pid)", ["--snapshot", method]).document()
            }
            let names = runs.map { $0.groups.map { "\($0.signature) \($0.kind) \($0.count)" }.sorted() }
            #expect(names[0] == names[1])
            #expect(!names[0].isEmpty)
        }

        @Test func tree() throws {
            let demo = try Demo("nusu-demo", ["list"])
            let document = try LeakRun("\(demo.pid)", ["--tree"]).document()
            let tree = try #require(document.groups.first?.tree)
            #expect(tree.root.below.blocks == 999)
            #expect(tree.root.children.map(\.blocks) == [999])
        }

        @Test func treeOfRings() throws {
            let demo = try CycleDemo("nusu-demo-swift", "collections")
            let document = try LeakRun("\(demo.pid)", ["--tree"]).document()
            #expect(!document.groups.isEmpty)
            for group in document.groups where group.kind != "possible" {
                let nodes = try #require(group.tree).root.all
                #expect(nodes[0].below.blocks * group.count == group.heldBlocks)
                #expect(nodes.allSatisfy { $0.hidden.blocks == 0 })
                #expect(nodes.dropFirst().allSatisfy { $0.field != nil && $0.field != "?" })
                #expect(nodes.reduce(0) { $0 + $1.blocks } == nodes[0].below.blocks + 1)
            }
        }

        @Test func excluded() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let all = try LeakRun("\(demo.pid)").document()
            let signature = try #require(all.groups.first?.signature)
            let looked = try LeakRun("\(demo.pid)", ["--exclude", "signature:\(signature)", "--exclude", "Nothing"])
            let document = try looked.document()
            #expect(looked.outcome.status == 0)
            #expect(document.isSound)
            #expect(document.summary.excluded.blocks == all.summary.definite.blocks + all.summary.indirect.blocks)
            #expect(document.summary.cycles.count == 0)
            #expect(document.excluded.entries.map(\.pattern) == ["signature:\(signature)"])
            #expect(document.excluded.unused.map(\.pattern) == ["Nothing"])
            let text = try run([Surroundings.nusu, "leaks", "\(demo.pid)", "--exclude", signature]).text
            #expect(text.hasPrefix("Nothing lost beyond what was left out: "))
        }

        @Test func ignoreFile() throws {
            let demo = try CycleDemo("nusu-demo-swift", "classes")
            let folder = try Surroundings.temporaryFolder()
            func look(_ patterns: String, _ options: [String] = []) throws -> Outcome {
                let file = try #require(fopen("\(folder)/.nusuignore", "w"))
                fputs(patterns, file)
                fclose(file)
                return try run(
                    ["env", "-C", folder, Surroundings.nusu, "leaks", "\(demo.pid)", "--json"] + options)
            }
            let before = try LeakRun(outcome: look("# nothing\n")).document()
            let after = try LeakRun(outcome: look("Account\ncycle:First.second -> *\n")).document()
            #expect(after.excluded.entries.map(\.source) == [".nusuignore:1", ".nusuignore:2"])
            #expect(after.groups.count == before.groups.count - 2)
            #expect(after.isSound)
            let bad = try look("Account\n\ntipe:Session\n")
            #expect(bad.status == 64)
            #expect(bad.text.contains(".nusuignore:3"))
            let none = try LeakRun(outcome: look("Account\n", ["--ignore-file", "/dev/null"])).document()
            #expect(none.groups.count == before.groups.count)
            #expect(try look("", ["--ignore-file", "\(folder)/missing"]).status == 64)
            #expect(demo.view.harm.isEmpty)
        }
    }
}
