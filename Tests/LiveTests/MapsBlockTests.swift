import Glibc
import Testing

/// `nusu maps` with an address in malloc's memory, and on a saved snapshot.
extension LiveTests.MapsTests {
    @Test(.enabled(if: Surroundings.mayTrace, "ptrace is not permitted")) func blocks() throws {
        let demo = try Demo("nusu-demo", ["overwrite"])
        let truth = demo.truth
        var size: UInt64 = 0
        for (address, fate) in [(truth.reachable.min(), "reachable"), (truth.definite.min(), "lost")] {
            let start = try #require(address)
            let document = try MapsDocument.of("\(demo.pid)", ["0x" + String(start + 8, radix: 16)])
            let block = try #require(document.address?.block)
            #expect(block.start == "0x" + String(start, radix: 16) && block.fate == fate && block.bytes >= 16)
            #expect(document.address?.region?.kind == "mainHeap" && document.snapshot != nil)
            #expect(document.gaps.isEmpty)
            size = block.bytes
        }
        let lost = try #require(truth.definite.min())
        let text = try run([Surroundings.nusu, "maps", "\(demo.pid)", "0x" + String(lost + 8, radix: 16)]).text
        let headline = text.split(separator: "\n")[0]
        #expect(headline.hasPrefix("0x\(String(lost + 8, radix: 16)) is 8 bytes into a block of "), "\(headline)")
        #expect(headline.hasSuffix(" bytes, which is lost.") && size > 100, "\(headline)")
        #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
    }

    @Test(
        "What is free, and what would be too dear", .enabled(if: Surroundings.mayTrace, "ptrace is not permitted"))
    func freeAndRefused() throws {
        let child = try Child([
            "python3", "-c",
            """
            import ctypes, time
            libc = ctypes.CDLL(None)
            libc.malloc.restype = ctypes.c_void_p
            big = libc.malloc(50000); fence = libc.malloc(64)
            libc.free(ctypes.c_void_p(big))
            print(hex(big + 20000), flush=True)
            time.sleep(100)
            """,
        ])
        let place = try #require(try child.readLine())
        let block = try #require(try MapsDocument.of("\(child.pid)", [place]).address?.block)
        #expect(block.fate == "free" && block.freeList != nil && block.type == nil && block.bytes >= 50_000)
        let refused = try MapsDocument.of("\(child.pid)", [place, "--max-pause", "0.000001"])
        #expect(refused.address?.region?.kind == "mainHeap" && refused.address?.block == nil)
        #expect(refused.snapshot == nil && refused.gaps.contains { $0.what.contains("malloc's blocks") })
        let plan = try MapsDocument.of("\(child.pid)", [place, "--dry-run"])
        #expect((plan.plan?.pauseSeconds ?? 0) > 0 && plan.plan?.snapshot != nil && plan.address == nil)
        // What is no heap's needs no snapshot.
        let stack = try #require(try MapsDocument.of("\(child.pid)").regions?.first { $0.kind == "mainStack" })
        #expect(try MapsDocument.of("\(child.pid)", [stack.start]).snapshot == nil)
    }

    @Test(
        "A saved snapshot has mappings and blocks", .enabled(if: Surroundings.mayTrace, "ptrace is not permitted"))
    func saved() throws {
        let demo = try Demo("nusu-demo", ["overwrite"])
        let file = try TemporaryFile("x.nusu")
        #expect(try run([Surroundings.nusu, "leaks", "\(demo.pid)", "--save", file.path]).status == 1)
        let document = try MapsDocument.of(file.path)
        let live = try #require(try MapsDocument.of("\(demo.pid)").regions)
        #expect(document.total?.residentBytes == nil && document.gaps.count == 1)
        let regions = try #require(document.regions)
        for kind in ["mainHeap", "mainStack", "kernel"] {
            #expect(regions.first { $0.kind == kind }?.lower == live.first { $0.kind == kind }?.lower, "\(kind)")
        }
        #expect(Set(regions.compactMap(\.module)) == Set(live.compactMap(\.module)))
        let lost = try #require(demo.truth.definite.max())
        let block = try MapsDocument.of(file.path, ["0x" + String(lost, radix: 16)]).address?.block
        #expect(block?.start == "0x" + String(lost, radix: 16) && block?.fate == "lost")
        #expect(try run([Surroundings.nusu, "maps", file.path, "--over", "1s"]).status == 64)
        let bytes = try #require(Surroundings.readBytes(file.path))
        try Surroundings.write(Array(bytes[..<(bytes.count / 2)]), file.path)
        #expect(try run([Surroundings.nusu, "maps", file.path]).status == 69)
    }
}
