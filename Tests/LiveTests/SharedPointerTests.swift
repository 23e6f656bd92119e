import Testing

/// Rings of C++'s shared pointers read as people would write them; weak pointers close none.
extension LiveTests {
    @Suite(.serialized) struct SharedPointerTests {
        private static let pair = "app::Peer.+0 -> app::Peer.+0 -> app::Peer"

        /// With the counters in front of the object, and in a block of their own.
        @Test(arguments: ["shared", "shared-new"]) func rings(_ name: String) throws {
            let demo = try Demo("nusu-demo-cxx", [name])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            let pairs = groups.filter { $0.path == CyclePath(Self.pair) }
            #expect(pairs.map(\.count) == [25])
            #expect(pairs.first?.breakAt == "make the shared_ptr at app::Peer+0 a weak_ptr")
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test func ringOfOne() throws {
            let demo = try Demo("nusu-demo-cxx", ["shared-new"])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            let path = CyclePath("app::Itself.+56 -> app::Itself")
            #expect(groups.filter { $0.path == path }.map(\.count) == [5], "\(groups.map(\.path))")
        }

        @Test func weak() throws {
            let demo = try Demo("nusu-demo-cxx", ["weak"])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            #expect(groups.allSatisfy { $0.kind == "definite" && $0.cycle?.isEmpty != false })
            #expect(groups.map(\.count).sorted() == [1, 5, 5])
        }
    }
}
