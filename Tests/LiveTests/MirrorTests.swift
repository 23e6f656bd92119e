import Capture
import Glibc
import Kernel
import Model
import Testing

/// What the Swift project's library adds, in the helper program: names of fields of fields. Findings do not depend on it.
extension LiveTests {
    @Suite(.serialized) struct MirrorTests {
        /// Where the helper looks for it beside the toolchain that tests run with.
        private static let isInstalled: Bool = {
            guard let swift = installed("swift"), let text = realpath(swift, nil) else { return false }
            defer { free(text) }
            var status = stat()
            let root = String(cString: text).split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
            return stat("\(root)/lib/swift/linux/libswiftRemoteMirror.so", &status) == 0 && status.st_uid == 0
        }()

        private static let own: Set = [
            CyclePath("Queue.storage -> 72 bytes.+0 -> Queue"), CyclePath("Span.bounds -> 72 bytes.+0 -> Span"),
            CyclePath("Tape.cells -> 72 bytes.+0 -> Tape"),
        ]

        @Test(.enabled(if: isInstalled, "libswiftRemoteMirror.so lies in no toolchain of root's"))
        func fieldsOfFields() throws {
            let demo = try CycleDemo("nusu-demo-swift", "memory")
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            #expect(Set(groups.compactMap(\.path)) == Set(demo.expectations.map(\.path)))
            #expect(groups.contains { $0.breakAt?.withoutModule == "clear Queue.storage.base when done" })
            #expect(demo.view.harm.isEmpty)
        }

        /// What people ship: optimized, static, without symbols.
        @Test(.enabled(if: isInstalled && installed("swiftc") != nil, "no toolchain of root's"))
        func staticProgram() throws {
            let program = try CycleTests.build(["-O", "-static-executable", "-Xlinker", "-s"])
            let demo = try CycleDemo(program, "memory")
            let groups = try CycleDocument.read(LeakRun("\(demo.pid)")).groups
            #expect(Set(groups.compactMap(\.path)) == Set(demo.expectations.map(\.path)))
        }

        /// The same groups with the same signatures whatever becomes of the helper, and the names that nusu itself knows.
        @Test func brokenHelper() throws {
            let demo = try CycleDemo("nusu-demo-swift", "memory")
            let signatures = try Self.signatures(LeakRun("\(demo.pid)"))
            #expect(signatures.count == 3)
            let folder = try Surroundings.temporaryFolder()
            let nusu = folder + "/nusu"
            #expect(try run(["cp", Surroundings.nusu, nusu]).status == 0)
            for helper in [
                nil, "kill -SEGV $$", "exec sleep 100", "echo '=nusu_demo_swift.Queue'; echo '32 8 x'; exit 1", "yes",
                "exec >&-; exec sleep 100",
                // Much is asked for and nothing read; packets that are no requests; the socket's end.
                "i=0; while [ $i -lt 5000 ]; do printf 0123456789abcdef >&3; i=$((i + 1)); done; exit 1",
                "printf 0123 >&3; printf 0123456789abcdef0123 >&3", "exec 3>&-; kill -SEGV $$",
            ] {
                if let helper { try Surroundings.write("#!/bin/sh\n\(helper)\n", program: folder + "/nusu-symbols") }
                let start = Clock.now
                let looked = try LeakRun("\(demo.pid)", program: nusu)
                let paths = try CycleDocument.read(looked).groups.compactMap(\.path)
                #expect(Set(paths) == Self.own, "\(helper ?? "none")")
                #expect(try Self.signatures(looked) == signatures, "\(helper ?? "none")")
                // Shorter than what hangs.
                #expect(Clock.now - start < 90)
            }
            #expect(demo.view.harm.isEmpty)
        }

        private static func signatures(_ looked: LeakRun) throws -> Set<String> {
            Set(try looked.document().groups.map { "\($0.signature) \($0.kind) \($0.count)" })
        }

        /// A library beside nusu is loaded only if nusu's owner or root put it there.
        @Test(.enabled(if: isInstalled && Surroundings.isRoot, "needs root, and a toolchain of root's"))
        func foreignLibrary() throws {
            let demo = try CycleDemo("nusu-demo-swift", "memory")
            let folder = try Surroundings.temporaryFolder()
            for name in ["nusu", "nusu-symbols"] {
                #expect(try run(["cp", "\(Surroundings.products)/\(name)", "\(folder)/\(name)"]).status == 0)
            }
            let library = folder + "/libswiftRemoteMirror.so"
            try Surroundings.write([0x7f, 0x45], library)
            func paths() throws -> Set<CyclePath> {
                Set(try CycleDocument.read(LeakRun("\(demo.pid)", program: folder + "/nusu")).groups.compactMap(\.path))
            }
            let refined = Set(demo.expectations.map(\.path))
            // Root's, and so loaded, and no library.
            #expect(chown(library, 0, 0) == 0 && chmod(library, 0o644) == 0)
            #expect(try paths() == Self.own)
            #expect(chown(library, 65_534, 65_534) == 0)
            #expect(try paths() == refined)
            #expect(chown(library, 0, 0) == 0 && chmod(library, 0o666) == 0)
            #expect(try paths() == refined)
        }

        /// The library may crash on it; the helper ends, and nusu gets what has the form of an answer or nothing.
        @Test(.enabled(if: isInstalled, "libswiftRemoteMirror.so lies in no toolchain of root's"))
        func damagedMetadata() throws {
            let demo = try CycleDemo("nusu-demo-swift", "memory")
            let memory = try #require(ProcessMemory(demo.pid))
            let object = try #require(demo.rings["ring=0"]?.first)
            let metadata = try #require(memory.word(at: object))
            let files = ModuleFiles(of: demo.pid, mappings: try ProcFS().mappings(of: demo.pid), procFS: ProcFS())
            func ask(_ reader: any MemoryReader, seconds: Double = 5) -> FieldNames? {
                files.withModules { modules in
                    let loaded = modules.filter { $0.bias != nil }
                    let question =
                        ["swift \(loaded.count)"] + loaded.compactMap { $0.bias.map(String.init) }
                        + ["\(metadata) Queue", "\(metadata + 8) Other"]
                    let answer = HelperProcess.ask(
                        "\(Surroundings.products)/nusu-symbols", loaded.map(\.descriptor),
                        input: Array((question.joined(separator: "\n") + "\n").utf8), memory: reader,
                        within: .init(seconds: seconds, answerBytes: 1 << 20, memoryBytes: 64 << 20))
                    return answer.map { FieldNames(answer: $0, asked: ["Queue", "Other"]) }
                }
            }
            #expect(ask(memory, seconds: 60)?.name("+32", of: "Queue") == "storage.base")
            for round in 0..<(getenv("NUSU_FUZZ") == nil ? 16 : 400) {
                let start = Clock.now
                let names = ask(DamagedMemory(memory, seed: UInt64(round), oneIn: 1 << (round % 12 + 3)))
                #expect(Clock.now - start < 60)
                #expect((names ?? .none).classes.count <= 2)
                print(
                    "FUZZ", round, names == nil ? "died" : "lived", names?.classes.values.map(\.count) ?? [],
                    Clock.now - start)
            }
        }
    }
}

/// A process's memory as it is now.
private final class ProcessMemory: MemoryReader {
    private let descriptor: Int32

    init?(_ pid: pid_t) {
        descriptor = open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        address < 1 << 47 ? max(pread(descriptor, buffer.baseAddress, buffer.count, off_t(address)), 0) : 0
    }
}

/// The same with some bytes changed, the same ones in every read.
private struct DamagedMemory: MemoryReader {
    private let whole: any MemoryReader
    private let seed: UInt64
    private let oneIn: UInt64

    init(_ whole: any MemoryReader, seed: UInt64, oneIn: UInt64) {
        (self.whole, self.seed, self.oneIn) = (whole, seed, oneIn)
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = whole.read(at: address, into: buffer)
        for number in 0..<count {
            let mixed = (address &+ UInt64(number) ^ seed << 40) &* 0x9e37_79b9_7f4a_7c15
            if (mixed >> 20) % oneIn == 0 { buffer[number] ^= UInt8(truncatingIfNeeded: mixed >> 56) }
        }
        return count
    }
}
