import Model
import Testing

@testable import Capture

@Suite struct ThreadExitTests {
    /// A datagram as Linux 6.18 sends it (struct taskstats, version 16), with one record.
    private static func datagram(
        version: UInt16 = 16, thread: UInt32 = 100, process: UInt32 = 90, parent: UInt32 = 5, size: Int = 552
    ) -> [UInt8] {
        var statistics = [UInt8](repeating: 0, count: size)
        func put<Value>(_ value: Value, _ offset: Int) {
            withUnsafeBytes(of: value) { bytes in
                for (index, byte) in bytes.enumerated() where offset + index < size {
                    statistics[offset + index] = byte
                }
            }
        }
        put(version, 0)
        put(7_000_000_000 as UInt64, 56)
        for (index, byte) in "cc1plus".utf8.enumerated() { put(byte, 80 + index) }
        put(thread, 128)
        put(parent, 132)
        put(2_000_000 as UInt64, 144)
        put(300_000 as UInt64, 152)
        put(200_000 as UInt64, 160)
        put(process, 368)
        let inner = attribute(1, [100, 0, 0, 0]) + attribute(3, statistics)
        let body = [UInt8](arrayLiteral: 2, 1, 0, 0) + attribute(4, inner)
        return header(body.count + 16) + body
    }

    private static func header(_ length: Int) -> [UInt8] {
        [UInt8(length & 255), UInt8(length >> 8), 0, 0, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    private static func attribute(_ type: UInt16, _ bytes: [UInt8]) -> [UInt8] {
        let length = bytes.count + 4
        let padding = [UInt8](repeating: 0, count: (4 - length % 4) % 4)
        return [UInt8(length & 255), UInt8(length >> 8), UInt8(type), 0] + bytes + padding
    }

    private static func parse(_ bytes: [UInt8]) -> [ThreadExit] { bytes.withUnsafeBytes { ThreadExit.parse($0) } }

    @Test func record() throws {
        let exit = try #require(Self.parse(Self.datagram()).first)
        #expect(exit.thread == 100 && exit.process == 90 && exit.parent == 5)
        #expect(exit.commandBytes == Array("cc1plus".utf8))
        #expect(exit.cpuSeconds == 0.5 && exit.elapsedSeconds == 2)
    }

    @Test func delays() {
        func delay(_ bytes: [UInt8]) -> UInt64? { bytes.withUnsafeBytes { TaskStatistics.swapDelay(in: $0) } }
        #expect(delay(Self.datagram()) == 7_000_000_000)
        #expect(delay(Self.datagram(version: 1, size: 64)) == 7_000_000_000)
        #expect(delay(Self.datagram(version: 15)) == nil && delay(Self.datagram(size: 63)) == nil)
        for length in Self.datagram().indices { _ = delay(Array(Self.datagram().prefix(length))) }
    }

    @Test func olderKernelsDoNotTellTheProcess() throws {
        let exit = try #require(Self.parse(Self.datagram(version: 11, size: 368)).first)
        #expect(exit.process == 100)
    }

    @Test func theOneVersionWithAnotherLayoutIsNotGuessed() { #expect(Self.parse(Self.datagram(version: 15)).isEmpty) }

    @Test func damagedDatagrams() {
        let whole = Self.datagram()
        for length in stride(from: 0, to: whole.count, by: 7) {
            #expect(Self.parse(Array(whole.prefix(length))).count <= 1)
        }
        var generator = SeededGenerator(state: 7)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<8 {
                bytes[Int.random(in: 0..<64, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            #expect(Self.parse(bytes).count < 200)
        }
    }
}
