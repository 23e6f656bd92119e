import Glibc
import Model
import Testing

@testable import Capture

/// The reader on this process's own memory.
@Suite struct SnapshotReaderTests {
    static let page: UInt64 = 4096

    static func reader(
        _ regions: [SnapshotRegion], state: ReadingState = ReadingState()
    ) throws -> SnapshotReader {
        let memory = try OpenMemory(getpid(), procFS: ProcFS())
        return SnapshotReader(
            regions: regions, live: memory, child: nil, copies: nil, state: state, isChildGone: { _ in false })
    }

    static func mapping(_ lower: UInt64, _ upper: UInt64, _ permissions: Mapping.Permissions = [.read, .write])
        -> Mapping
    {
        Mapping(range: AddressRange(lower, upper), permissions: permissions)
    }

    @Test func joinsRegionsAndStopsAtHoles() throws {
        let copied = [UInt8](repeating: 7, count: 4096)
        try copied.withUnsafeBytes { bytes in
            let address = UInt(bitPattern: bytes.baseAddress)
            let mapping = Self.mapping(0x10000, 0x20000)
            let reader = try Self.reader([
                SnapshotRegion(AddressRange(0x10000, 0x11000), .copied(address), of: mapping),
                SnapshotRegion(AddressRange(0x11000, 0x12000), .zeros, of: mapping),
                SnapshotRegion(AddressRange(0x13000, 0x14000), .zeros, of: mapping),
            ])
            #expect(reader.bytes(at: 0x10ffe, count: 4) == [7, 7, 0, 0])
            var buffer = [UInt8](repeating: 1, count: 0x4000)
            #expect(buffer.withUnsafeMutableBytes { reader.read(at: 0x10800, into: $0) } == 0x1800)
            #expect(reader.bytes(at: 0x12000, count: 1) == nil)
            #expect(reader.bytes(at: UInt64.max - 1, count: 4) == nil)
            #expect(reader.populated(in: AddressRange(0x10800, 0x14000)) == [AddressRange(0x10800, 0x11000)])
        }
    }

    @Test func tellsWhatWasWrittenOfAFile() throws {
        let file = open("/proc/self/exe", O_RDONLY)
        defer { close(file) }
        let bytes = 4 * Int(Self.page)
        let start = try #require(mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0))
        try #require(start != MAP_FAILED)
        defer { munmap(start, bytes) }
        let lower = UInt64(UInt(bitPattern: start))
        let whole = AddressRange(lower, lower + UInt64(bytes))
        // Read, and so in memory, but the file's still.
        _ = start.load(fromByteOffset: 0, as: UInt64.self)
        start.storeBytes(of: 1, toByteOffset: 2 * Int(Self.page), as: UInt64.self)
        let mapping = Mapping(range: whole, permissions: [.read, .write], inode: 1)
        let reader = try Self.reader([SnapshotRegion(whole, .frozen, of: mapping)])
        #expect(reader.written(in: whole) == [AddressRange(lower + 2 * Self.page, lower + 3 * Self.page)])
        #expect(reader.populated(in: whole) == [whole])
    }

    @Test func readsTheTargetItselfAfterTheEnd() throws {
        let words: [UInt64] = [42, 43]
        try words.withUnsafeBytes { bytes in
            let address = UInt64(UInt(bitPattern: bytes.baseAddress))
            let range = AddressRange(address, address + 16)
            for permissions in [[.read], [.read, .write]] as [Mapping.Permissions] {
                let state = ReadingState()
                let mapping = Mapping(range: range, permissions: permissions)
                let reader = try Self.reader([SnapshotRegion(range, .frozen, of: mapping)], state: state)
                #expect(reader.word(at: address) == 42)
                state.end()
                #expect(reader.word(at: address) == 42)
            }
        }
    }

    @Test func givesUpWhenMemoryRunsLow() throws {
        let state = ReadingState()
        let mapping = Self.mapping(0x10000, 0x10000 + 64 << 20)
        let reader = try Self.reader([SnapshotRegion(mapping.range, .zeros, of: mapping)], state: state)
        let watch = HeadroomWatch(isLow: { true }, onLow: { state.runLow() })
        while state.stop == nil { usleep(1000) }
        watch.end()
        #expect(state.stop == .lowMemory)
        #expect(reader.bytes(at: 0x10000, count: 1) == nil)
    }

    @Test func theFirstReasonCounts() {
        let state = ReadingState()
        #expect(state.stop == nil)
        state.loseChild()
        state.end()
        #expect(state.stop == .childGone)
    }
}
