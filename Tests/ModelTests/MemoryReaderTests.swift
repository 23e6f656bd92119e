import Model
import Testing

/// Bytes at one place and nothing elsewhere.
private struct Bytes: MemoryReader {
    let base: UInt64
    let bytes: [UInt8]

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard address >= base, address < base + UInt64(bytes.count) else { return 0 }
        let start = Int(address - base)
        let count = min(buffer.count, bytes.count - start)
        buffer.copyBytes(from: bytes[start..<(start + count)])
        return count
    }
}

@Suite("Typed reads") struct MemoryReaderTests {
    private let reader = Bytes(base: 0x1ffa, bytes: Array("hello, world\0tail".utf8))

    @Test("Words need all of their bytes") func words() {
        #expect(reader.word(at: 0x1ffa) == 0x7720_2c6f_6c6c_6568)
        #expect(reader.word32(at: 0x1ffa) == 0x6c6c_6568)
        #expect(reader.word(at: 0x2004) == nil)
        #expect(reader.word(at: 0) == nil)
        #expect(reader.words(at: 0x1ffa, count: 2)?.count == 2)
        #expect(reader.words(at: 0x1ffa, count: 3) == nil)
        #expect(reader.words(at: 0x1ffa, count: -1) == nil)
        #expect(reader.bytes(at: 0x1ffa, count: 0) == [])
        #expect(reader.bytes(at: 0x1ffa, count: 18) == nil)
    }

    @Test("Strings cross pages, and end at their limit") func strings() {
        #expect(reader.cString(at: 0x1ffa, limit: 100) == Array("hello, world".utf8))
        #expect(reader.cString(at: 0x1ffa, limit: 5) == nil)
        #expect(reader.cString(at: 0x2007, limit: 100) == nil)
        #expect(reader.cString(at: 0x1ffa, limit: 0) == nil)
    }
}
