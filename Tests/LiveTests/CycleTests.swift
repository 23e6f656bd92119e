import Glibc
import Testing

/// A Swift ring of every kind: found, counted, named, with advice; and what looks like one stays silent.
extension LiveTests {
    @Suite(.serialized) struct CycleTests {
        static let cases = ["classes", "collections", "values", "tasks", "controls", "acyclic"]

        @Test(arguments: cases)
        func everyKind(_ name: String) throws {
            try compare("nusu-demo-swift", name)
        }

        /// Whatever the method: trial deletion needs no roots, but it needs every object.
        @Test(arguments: ["fork", "copy", "stream"])
        func everyMethod(_ method: String) throws {
            try compare("nusu-demo-swift", "values", options: ["--snapshot", method])
        }

        /// What people ship: optimized, stripped, with the run-time linked in.
        static let reduced: [[String]] = [["-O", "-Xlinker", "-s"]]
        static let full: [[String]] =
            reduced + [
                ["-Onone"], ["-O", "-static-stdlib"], ["-O", "-static-executable", "-Xlinker", "-s"],
                ["-Onone", "-static-executable"], ["-Osize", "-static-stdlib", "-Xlinker", "-s"],
            ]
        static let variants = getenv("NUSU_SOAK") == nil ? reduced : full

        @Test(.enabled(if: installed("swiftc") != nil, "swiftc is not installed"), arguments: variants)
        func compiled(_ flags: [String]) throws {
            let program = try Self.build(flags)
            for name in Self.cases { try compare(program, name) }
        }

        private static let jemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"

        /// Where the allocator cannot be read, what the objects' own counts prove is found all the same.
        @Test(
            .enabled(if: access(jemalloc, R_OK) == 0, "libjemalloc.so.2 is not installed"),
            arguments: ["classes", "collections", "values", "controls"])
        func withoutHeap(_ name: String) throws {
            let demo = try CycleDemo("nusu-demo-swift", name, environment: ["LD_PRELOAD": Self.jemalloc])
            let document = try CycleDocument.read(LeakRun("\(demo.pid)"))
            var found: [CyclePath: Int] = [:]
            for group in document.groups {
                if let path = group.path { found[path, default: 0] += group.count }
            }
            var expected: [CyclePath: Int] = [:]
            for ring in demo.expectations where ring.isCertain { expected[ring.path, default: 0] += ring.count }
            #expect(found == expected)
            checkSilence(document, demo, name)
            #expect(demo.view.harm.isEmpty)
        }

        /// Without reflection metadata types and rings are known, but no field and no kind of reference.
        @Test(.enabled(if: installed("swiftc") != nil, "swiftc is not installed"))
        func withoutReflection() throws {
            let program = try Self.build(["-O", "-static-stdlib", "-disable-reflection-metadata", "-Xlinker", "-s"])
            for name in ["classes", "collections", "values", "controls", "acyclic"] {
                let demo = try CycleDemo(program, name)
                let document = try CycleDocument.read(LeakRun("\(demo.pid)"))
                var expected: [CyclePath: Int] = [:]
                for ring in demo.expectations { expected[ring.path.withoutFields, default: 0] += ring.count }
                var found: [CyclePath: Int] = [:]
                for group in document.groups {
                    guard let path = group.path else { continue }
                    // A plain pointer that nothing marks as one.
                    if name == "acyclic", group.types.contains("UnsafeOwner") { continue }
                    found[path.withoutFields, default: 0] += group.count
                    #expect(group.certainty == "unreachable", "\(path)")
                }
                #expect(found == expected, "\(name)")
                checkSilence(document, demo, name)
            }
        }

        private func look(
            _ program: String, _ name: String, _ options: [String]
        ) throws -> (CycleDemo, CycleDocument, [CyclePath: [CycleDocument.Group]]) {
            let demo = try CycleDemo(program, name)
            let document = try CycleDocument.read(LeakRun("\(demo.pid)", options))
            var groups: [CyclePath: [CycleDocument.Group]] = [:]
            for group in document.groups {
                if let path = group.path { groups[path, default: []].append(group) }
            }
            return (demo, document, groups)
        }

        private func compare(_ program: String, _ name: String, options: [String] = []) throws {
            var (demo, document, groups) = try look(program, name, options)
            // One word that a worker's stack still has may hold all rings of tasks: each was linked to the next while it waited
            // for a thread. Another program has other words.
            for _ in 0..<2 where demo.expectations.contains(where: { !$0.isCertain && groups[$0.path] == nil }) {
                (demo, document, groups) = try look(program, name, options)
            }
            for ring in demo.expectations {
                let found = groups.removeValue(forKey: ring.path) ?? []
                let count = found.reduce(0) { $0 + $1.count }
                if ring.isCertain {
                    #expect(found.count == 1 && count == ring.count, "\(name): \(count) of \(ring.path)")
                    #expect(found.allSatisfy { $0.certainty == "certain" }, "\(ring.path)")
                } else {
                    // Stale words may hold some of those that only reachability finds.
                    #expect(count > 0 && count <= ring.count, "\(name): \(count) of \(ring.path)")
                    #expect(found.allSatisfy { $0.certainty == "unreachable" }, "\(ring.path)")
                }
                if let advice = ring.advice {
                    #expect(found.allSatisfy { $0.breakAt?.withoutModule == advice }, "\(found.map(\.breakAt))")
                }
                #expect(found.allSatisfy { $0.kind == "cycle" && $0.breakAt != nil }, "\(ring.path)")
            }
            #expect(groups.isEmpty, "\(name): no ring of the demo's: \(groups.keys)")
            checkSilence(document, demo, name)
            let leaders = document.leaders
            for (ring, members) in demo.rings {
                let count = members.intersection(leaders).count
                #expect(count == 1 || (count == 0 && name == "tasks"), "\(name): \(ring) has \(count) leaders")
            }
            #expect(demo.view.harm.isEmpty)
        }

        private func checkSilence(_ document: CycleDocument, _ demo: CycleDemo, _ name: String) {
            let named = document.groups.reduce(into: Set<String>()) { $0.formUnion($1.types) }
            let noise = named.intersection(demo.silent)
            #expect(noise.isEmpty, "\(name): in use and reported: \(noise)")
            let lost = document.groups.filter { $0.path == nil }.reduce(into: Set<String>()) { $0.formUnion($1.types) }
            let missed = demo.acyclic.subtracting(lost).subtracting(named)
            #expect(missed.isEmpty, "\(name): lost and not reported: \(missed)")
        }

        /// Compiles the Swift demo and returns its path.
        static func build(_ flags: [String]) throws -> String {
            let folder = try Surroundings.temporaryFolder()
            let demos = "\(Surroundings.package)/Sources/Demos"
            let map = "module DemoTruth { header \"\(demos)/Truth/include/demo.h\" export * }"
            let command = """
                cd \(folder) && echo '\(map)' > module.modulemap \
                && cc -O1 -c -I\(demos)/Truth/include \(demos)/Truth/*.c \
                && swiftc -swift-version 6 -module-name nusu_demo_swift -I . \(flags.joined(separator: " ")) \
                \(demos)/Swift/*.swift *.o -o demo
                """
            let outcome = try run(["sh", "-c", command], withinSeconds: 300)
            guard outcome.status == 0 else { throw HarnessError("\(command): \(outcome.errors)") }
            return "\(folder)/demo"
        }
    }
}
