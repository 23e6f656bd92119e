import Glibc
import Kernel
import Model
import Testing

/// Rings of C++'s shared pointers read as people would write them, with the names of fields where the program has debug
/// information; weak pointers close none.
extension LiveTests {
    @Suite(.serialized) struct SharedPointerTests {
        private static let pair = "app::Peer.+0 -> app::Peer.+0 -> app::Peer"
        private static let named = "app::Peer.other -> app::Peer.other -> app::Peer"

        /// With the counters in front of the object, and in a block of their own.
        @Test(arguments: ["shared", "shared-new"]) func rings(_ name: String) throws {
            let demo = try Demo("nusu-demo-cxx", [name])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            let pairs = groups.filter { $0.path == CyclePath(Self.named) }
            #expect(pairs.map(\.count) == [25], "\(groups.map(\.path))")
            #expect(pairs.first?.breakAt == "make the shared_ptr app::Peer.other a weak_ptr")
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// Without debug information, and without a helper that reads it, or with one that is broken: places instead of names,
        /// and all else the same.
        @Test func withoutNames() throws {
            let folder = try Surroundings.temporaryFolder()
            let stripped = folder + "/stripped"
            #expect(try run(["strip", "-o", stripped, "\(Surroundings.products)/nusu-demo-cxx"]).status == 0)
            let demo = try Demo(stripped, ["shared"])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            let pairs = groups.filter { $0.path == CyclePath(Self.pair) }
            #expect(pairs.map(\.count) == [25], "\(groups.map(\.path))")
            #expect(pairs.first?.breakAt == "make the shared_ptr at app::Peer+0 a weak_ptr")

            let whole = try Demo("nusu-demo-cxx", ["shared"])
            let names = try CycleDocument.read(LeakRun("\(whole.pid)")).groups
            let own = folder + "/nusu"
            #expect(try run(["cp", Surroundings.nusu, own]).status == 0)
            for helper in [
                nil, "kill -SEGV $$", "exec sleep 100", "echo '=app::Peer'; echo '0 16 other'; exit 1", "yes",
            ] {
                if let helper { try Surroundings.write("#!/bin/sh\n\(helper)\n", program: folder + "/nusu-symbols") }
                let other = try CycleDocument.read(LeakRun("\(whole.pid)", program: own)).groups
                #expect(other.contains { $0.path == CyclePath(Self.pair) }, "\(helper ?? "none")")
                #expect(other.map(\.count) == names.map(\.count))
            }
        }

        /// The helper has no rights when it reads.
        @Test(.enabled(if: Surroundings.isRoot, "needs root, whose rights the helper gives up")) func rights() throws {
            let helper = try Child(["\(Surroundings.products)/nusu-symbols"])
            var status = ""
            _ = comesTrue {
                status = Surroundings.readFile("/proc/\(helper.pid)/status") ?? ""
                return status.contains("NoNewPrivs:\t1")
            }
            #expect(status.contains("Uid:\t65534\t65534\t65534\t65534"), "\(status)")
            #expect(status.contains("Gid:\t65534\t65534\t65534\t65534") && status.contains("CapEff:\t0000000000000000"))
            #expect(status.contains("CapPrm:\t0000000000000000") && status.contains("Groups:\t \n"))
            helper.end()
        }

        /// libdw may crash on it; the helper ends, and nusu gets what has the form of an answer or nothing.
        @Test func damagedDebugInformation() throws {
            let path = try Surroundings.temporaryFolder() + "/damaged"
            let original = try #require(Surroundings.readBytes("\(Surroundings.products)/nusu-demo-cxx"))
            let question = Array("c++ 1\napp::Peer\napp::Itself\nnone\n".utf8)
            var random = SystemRandomNumberGenerator()
            for round in 0..<(getenv("NUSU_FUZZ") == nil ? 12 : 400) {
                var damaged = original
                if round % 3 == 0 { damaged.removeLast(Int.random(in: 1..<damaged.count, using: &random)) }
                for _ in 0..<(1 << (round % 12)) {
                    damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8))
                }
                try Surroundings.write(damaged, path)
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                defer { close(descriptor) }
                let start = Clock.now
                let answer = HelperProcess.ask(
                    "\(Surroundings.products)/nusu-symbols", [descriptor], input: question,
                    within: .init(seconds: 5, answerBytes: 1 << 20))
                #expect(Clock.now - start < 60)
                let names = FieldNames(answer: answer ?? [], asked: ["app::Peer", "app::Itself"])
                #expect(names.classes.count <= 2)
            }
        }

        @Test func ringOfOne() throws {
            let demo = try Demo("nusu-demo-cxx", ["shared-new"])
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            let path = CyclePath("app::Itself.kept -> app::Itself")
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
