import Model
import Testing

@testable import Capture

@Suite("smaps, module headers and cores") struct SmapsTests {
    private static let entry = """
        55d0c6700000-55d0c6701000 rw-p 00001000 08:01 77    /app/a b
        Size:                  4 kB
        KernelPageSize:        4 kB
        MMUPageSize:           4 kB
        Rss:                   4 kB
        Pss:                   3 kB
        Pss_Dirty:             1 kB
        Shared_Clean:          1 kB
        Shared_Dirty:          2 kB
        Private_Clean:         5 kB
        Private_Dirty:         6 kB
        Referenced:            4 kB
        Anonymous:             7 kB
        AnonHugePages:         8 kB
        ShmemPmdMapped:       16 kB
        FilePmdMapped:        32 kB
        Shared_Hugetlb:       64 kB
        Private_Hugetlb:     128 kB
        Swap:                  9 kB
        SwapPss:              10 kB
        Locked:               11 kB
        THPeligible:           0
        VmFlags: rd wr mr mw me ac ht io gd lo\u{20}

        """

    @Test("Every counter goes where it belongs") func counters() throws {
        let parsed = MappingUse.parse(smaps: Array(Self.entry.utf8))
        let item = try #require(parsed.first)
        let use = try #require(item.use)
        #expect(parsed.count == 1)
        #expect(item.mapping.name == "/app/a b")
        #expect(use.resident == 4096 && use.proportional == 3072 && use.swapped == 9216)
        #expect(use.sharedClean == 1024 && use.privateClean == 5120 && use.dirty == 8192)
        #expect(use.anonymous == 7168 && use.swappedProportional == 10240 && use.locked == 11264)
        #expect(use.hugePages == 56 << 10 && use.reservedHugePages == 192 << 10)
        #expect(item.flags == [.hugeTable, .device, .growsDown, .locked] && item.kernelPageBytes == 4096)
    }

    @Test("10,000 mappings in well under a second") func many() {
        let body = Self.entry.split(separator: "\n", maxSplits: 1)[1]
        var text = ""
        for number in 0..<10_000 {
            let lower = 0x1000_0000 + number * 0x2000
            text += "\(String(lower, radix: 16))-\(String(lower + 0x1000, radix: 16)) rw-p 0 00:00 0 \n\(body)"
        }
        let bytes = Array(text.utf8)
        let start = secondsOfProcessor()
        let parsed = MappingUse.parse(smaps: bytes)
        let seconds = secondsOfProcessor() - start
        #expect(parsed.count == 10_000)
        #expect(parsed.reduce(0) { $0 + ($1.use?.resident ?? 0) } == 10_000 * 4096)
        // The debug build; optimised it is some milliseconds.
        #expect(seconds < 5)
    }

    @Test("Counters of a line that is left out are left out") func overlap() {
        let second = Self.entry.replacing("55d0c6700000-55d0c6701000", with: "55d0c6700800-55d0c6702000")
        let parsed = MappingUse.parse(smaps: Array((Self.entry + second).utf8))
        #expect(parsed.count == 1 && parsed[0].use?.resident == 4096)
    }

    @Test("Damaged input: no trap, ascending, no overlaps", arguments: Rounds.of(4, fuzz: 300))
    func damaged(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let sample = Array((Self.entry + Self.entry.replacing("55d0c67", with: "55d0c68")).utf8)
        for _ in 0..<300 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] = [0, 0x0a, 0x20, 0x39, 0xff, 0x2d, 0x3a][Int.random(in: 0..<7, using: &random)]
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            let parsed = MappingUse.parse(smaps: bytes).map(\.mapping.range)
            for (left, right) in zip(parsed, parsed.dropFirst()) { #expect(left.upper <= right.lower) }
        }
    }

    @Test("Headers of modules and notes of cores on damaged input", arguments: Rounds.of(4, fuzz: 300))
    func damagedHeaders(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let small = ImageFixture.elf([.init(name: "a", address: 0x10000, size: 8, info: 0x11)])
        for _ in 0..<2000 {
            var file = small
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<file.bytes.count, using: &random)
                file.changes[at] = UInt8.random(in: 0...255, using: &random)
            }
            if let headers = ModuleHeaders(file) { #expect(!headers.segments.isEmpty) }
            var notes = CoreNotes()
            let kinds: [UInt8] = [1, 3, 6, 0x45]
            let kind = kinds[Int.random(in: 0..<4, using: &random)]
            var bytes: [UInt8] = [5, 0, 0, 0, UInt8.random(in: 0...255, using: &random), 0, 0, 0, kind]
            bytes += kind == 0x45 ? [0x4c, 0x49, 0x46] : [0, 0, 0]
            bytes += (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
            notes.take(bytes, threadLimit: 4)
            #expect(notes.files.count < 100 && notes.threads.count <= 4)
        }
    }

    @Test("Segments, relro and permissions as the file states them") func headers() throws {
        let headers = try #require(ModuleHeaders(ImageFixture.elf([])))
        let segment = try #require(headers.segments.first)
        #expect(segment.range == AddressRange(0x10000, 0x20000) && segment.fileEnd == 0x18000)
        #expect(segment.permissions == [.read, .execute] && headers.relro == nil)
    }
}
