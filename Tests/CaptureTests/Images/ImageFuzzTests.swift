import Glibc
import Model
import Testing

@testable import Capture

/// Truncated and damaged ELF files: nothing may trap, take long, or keep more than the file can hold.
@Suite("ELF files on damaged input") struct ImageFuzzTests {
    private static let small = ImageFixture.elf(
        (0..<40).map { number in
            .init(
                name: "symbol_\(number)", address: 0x10000 + UInt64(number) * 64, size: 64,
                info: 0x10 | UInt8(1 + number % 2))
        })

    @Test("Every length of a small file") func truncated() {
        for length in 0...Self.small.bytes.count {
            var file = Self.small
            file.count = length
            look(file)
        }
    }

    @Test("Damaged bytes anywhere in a small file", arguments: Rounds.of(4, fuzz: 200)) func damaged(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        for _ in 0..<3000 {
            var file = Self.small
            // Headers decide what the rest means: they are hit as often as all else.
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let whole = 0..<file.bytes.count
                let sections = (file.bytes.count - 192)..<file.bytes.count
                let part = [whole, 0..<120, sections][Int.random(in: 0..<3, using: &random)]
                let at = Int.random(in: part, using: &random)
                let value = [0, 0xff, 0x7f, 0x80, UInt8.random(in: 0...255, using: &random)]
                file.changes[at] = value[Int.random(in: 0..<5, using: &random)]
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                file.count = Int.random(in: 0...file.bytes.count, using: &random)
            }
            look(file)
        }
    }

    /// The largest file at hand: this program, with damaged headers.
    @Test("This program with damaged headers and cut short") func program() throws {
        let whole = try #require(ownProgram())
        let sound = ImageFixture(whole)
        look(sound)
        let sections = whole.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 40, as: UInt64.self) }
        var random = SeededGenerator(state: 5)
        for round in 0..<12 {
            var file = sound
            if round % 3 == 0 {
                file.count = Int.random(in: 0..<whole.count, using: &random)
            } else {
                for _ in 0..<4 {
                    let at = Int.random(in: 0..<2048, using: &random)
                    file.changes[round % 3 == 1 ? at : Int(sections) + at] = UInt8.random(in: 0...255, using: &random)
                }
            }
            look(file)
        }
    }

    /// Reads everything that an address could lead to.
    private func look(_ file: ImageFixture) {
        guard let image = ElfImage(file) else { return }
        let mapping = Mapping(range: AddressRange(0x5555_0000_0000, 0x5555_0001_0000), permissions: .read)
        _ = image.bias(of: mapping)
        guard let section = image.symbols else { return }
        let table = ElfSymbolTable(section, of: file)
        #expect(table.count * ElfSymbolTable.entryBytes <= file.bytes.count)
        for address in [0, 0x10000, 0x10001, 0x10a3f, 0x1ffff, 1 << 32, .max] as [UInt64] {
            _ = image.isLoaded(address)
            if let match = table.match(address) { #expect(match.name.count <= ElfSymbolTable.nameLimit) }
        }
    }

    private func ownProgram() -> [UInt8]? {
        guard let file = fopen("/proc/self/exe", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 4096 ? Array(bytes[..<count]) : nil
    }
}
