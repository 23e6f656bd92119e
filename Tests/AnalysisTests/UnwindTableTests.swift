import Model
import Testing

@testable import Analysis

@Suite("Unwind information of modules in memory")
struct UnwindTableTests {
    private static let base: UInt64 = 0x7f00_0000_0000
    private static let function = base + 0x3000
    private static let header = base + 0x1000

    /// A module with one function of 64 bytes: push rbp; mov rbp, rsp; …
    private static func module() -> FixtureMemory {
        let memory = FixtureMemory()
        memory.map(AddressRange(base, base + 0x4000))
        func write32(_ value: Int64, at address: UInt64) {
            memory.write(withUnsafeBytes(of: Int32(truncatingIfNeeded: value).littleEndian) { Array($0) }, at: address)
        }
        func distance(_ target: UInt64, from place: UInt64) -> Int64 { Int64(target) - Int64(place) }
        memory.write([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], at: base)
        memory.write(64, at: base + 32)
        memory.write(UInt64(64) | 56 << 16 | 2 << 32, at: base + 52)
        memory.write(1, at: base + 64)
        write32(0x6474_e550, at: base + 120)
        memory.write(0x1000, at: base + 136)

        let common = header + 0x100
        write32(20, at: common)
        memory.write(
            [0, 0, 0, 0, 1] + Array("zR".utf8) + [0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0], at: common + 4)
        let record = header + 0x140
        write32(32, at: record)
        write32(distance(record + 4, from: common), at: record + 4)
        write32(distance(function, from: record + 8), at: record + 8)
        write32(64, at: record + 12)
        memory.write([0, 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 40, 0x0c, 7, 8, 0xc6], at: record + 16)

        memory.write([1, 0x1b, 0x03, 0x3b], at: header)
        write32(1, at: header + 8)
        write32(distance(function, from: header), at: header + 12)
        write32(distance(record, from: header), at: header + 16)
        return memory
    }

    @Test(
        "Rules follow the instructions",
        arguments: [
            (0, 7, 8, nil), (1, 7, 16, -16), (4, 6, 16, -16), (43, 6, 16, -16), (44, 7, 8, nil), (63, 7, 8, nil),
        ] as [(UInt64, UInt64, Int64, Int64?)])
    func rules(at offset: UInt64, register: UInt64, distance: Int64, saved: Int64?) throws {
        let table = try #require(UnwindTable(moduleAt: Self.base, pages: PageCache(Self.module())))
        let rule = try #require(table.rule(at: Self.function + offset))
        #expect(rule == .init(register: register, offset: distance, savedBase: saved))
    }

    @Test("Outside of functions nothing is known")
    func outside() throws {
        let table = try #require(UnwindTable(moduleAt: Self.base, pages: PageCache(Self.module())))
        #expect(table.rule(at: Self.function - 1) == nil && table.rule(at: Self.function + 64) == nil)
        #expect(UnwindTable(moduleAt: Self.base + 0x2000, pages: PageCache(Self.module())) == nil)
    }

    @Test("Damaged information never traps", arguments: Rounds.of(200, fuzz: 20_000))
    func damaged(seed: UInt64) {
        var random = Seeded(seed)
        let memory = Self.module()
        for _ in 0..<Int.random(in: 1...30, using: &random) {
            let place = Bool.random(using: &random) ? Self.base..<Self.base + 0x100 : Self.header..<Self.header + 0x180
            memory.write([UInt8.random(in: 0...255, using: &random)], at: UInt64.random(in: place, using: &random))
        }
        let table = UnwindTable(moduleAt: Self.base, pages: PageCache(memory))
        for offset in stride(from: 0, to: 64, by: 7) as StrideTo<UInt64> { _ = table?.rule(at: Self.function + offset) }
    }
}
