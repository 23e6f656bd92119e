@testable import Capture

/// A file in memory, cut short and with single bytes changed as a test wishes.
struct ImageFixture: ImageBytes {
    var bytes: [UInt8]
    var changes: [Int: UInt8] = [:]
    var count: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        count = bytes.count
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard offset < UInt64(count) else { return 0 }
        let got = min(buffer.count, count - Int(offset))
        bytes.withUnsafeBytes { whole in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: whole[Int(offset)..<(Int(offset) + got)]))
        }
        for (at, value) in changes where at >= Int(offset) && at < Int(offset) + got {
            buffer[at - Int(offset)] = value
        }
        return got
    }

    struct Entry {
        var name: String
        var address: UInt64
        var size: UInt64
        var info: UInt8
        var section: UInt16 = 1
    }

    /// A small ELF file: one segment of 64 KiB at 0x10000, a symbol table, its strings.
    static func elf(_ entries: [Entry]) -> ImageFixture {
        var strings: [UInt8] = [0]
        var symbols = [UInt8](repeating: 0, count: 24)
        for entry in entries {
            symbols += little(UInt32(strings.count)) + [entry.info, 0] + little(entry.section)
            symbols += little(entry.address) + little(entry.size)
            strings += Array(entry.name.utf8) + [0]
        }
        let symbolsAt = UInt64(64 + 56)
        let stringsAt = symbolsAt + UInt64(symbols.count)
        let sectionsAt = stringsAt + UInt64(strings.count)
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        bytes += little(UInt16(3)) + little(UInt16(62)) + little(UInt32(1)) + little(UInt64(0))
        bytes += little(UInt64(64)) + little(sectionsAt) + little(UInt32(0)) + little(UInt16(64))
        bytes += little(UInt16(56)) + little(UInt16(1)) + little(UInt16(64)) + little(UInt16(3)) + little(UInt16(0))
        bytes += little(UInt32(1)) + little(UInt32(5)) + little(UInt64(0)) + little(UInt64(0x10000))
        bytes += little(UInt64(0x10000)) + little(UInt64(0x8000)) + little(UInt64(0x10000)) + little(UInt64(0x1000))
        bytes += symbols + strings + [UInt8](repeating: 0, count: 64)
        bytes += section(type: 2, symbolsAt, symbols.count, link: 2, entryBytes: 24)
        bytes += section(type: 3, stringsAt, strings.count, link: 0, entryBytes: 0)
        return ImageFixture(bytes)
    }

    private static func section(
        type: UInt32, _ offset: UInt64, _ size: Int, link: UInt32, entryBytes: UInt64
    ) -> [UInt8] {
        little(UInt32(0)) + little(type) + little(UInt64(0)) + little(UInt64(0)) + little(offset)
            + little(UInt64(size)) + little(link) + little(UInt32(0)) + little(UInt64(8)) + little(entryBytes)
    }

    private static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
