import Glibc

/// An ELF file of the target's, open, and where it was loaded. Every number in it is checked before it is used.
struct ModuleFile {
    /// What a loaded address and the place in the file differ by, for a part.
    struct Part {
        let address: UInt64
        let offset: UInt64
        let bytes: UInt64

        /// Where in the file `count` bytes from `address` on stand; nil where they are not all of this part.
        func place(of address: UInt64, _ count: UInt64) -> UInt64? {
            guard address >= self.address, address - self.address <= bytes, count <= bytes - (address - self.address)
            else { return nil }
            return offset + (address - self.address)
        }
    }

    let descriptor: Int32
    let bias: UInt64
    /// Parts that the target cannot write: what is loaded of them is what the file has.
    let constant: [Part]
    /// What is not loaded, and asked for as if the whole file lay at the bias: its header, its sections' headers and names.
    let headers: [Part]

    private static let partLimit: UInt64 = 256
    private static let sectionLimit: UInt64 = 4096
    private static let byteLimit: UInt64 = 1 << 30

    /// nil where it is no ELF file of 64 bits with sections.
    init?(descriptor: Int32, bias: UInt64) {
        self.descriptor = descriptor
        self.bias = bias
        func number(_ offset: UInt64, _ bytes: Int) -> UInt64? {
            var value: UInt64 = 0
            guard offset < ModuleFile.byteLimit, pread(descriptor, &value, bytes, off_t(offset)) == bytes else {
                return nil
            }
            return UInt64(littleEndian: value)
        }
        // Magic number, 64 bits, little-endian (man 5 elf).
        guard number(0, 6) == 0x0102_464c_457f, let segments = number(32, 8), let segmentCount = number(56, 2),
            let sections = number(40, 8), let sectionCount = number(60, 2), let nameSection = number(62, 2),
            segments < ModuleFile.byteLimit, sections < ModuleFile.byteLimit, segmentCount <= ModuleFile.partLimit,
            sectionCount > 0, sectionCount <= ModuleFile.sectionLimit, nameSection < sectionCount,
            let names = number(sections + nameSection * 64 + 24, 8),
            let namesBytes = number(sections + nameSection * 64 + 32, 8), names < ModuleFile.byteLimit,
            namesBytes < ModuleFile.byteLimit
        else { return nil }
        var constant: [Part] = []
        for segment in 0..<segmentCount {
            let at = segments + segment * 56
            // PT_LOAD is 1, PF_W 2.
            guard number(at, 4) == 1, let flags = number(at + 4, 4), flags & 2 == 0, let offset = number(at + 8, 8),
                let address = number(at + 16, 8), let bytes = number(at + 32, 8), bytes < ModuleFile.byteLimit
            else { continue }
            constant.append(Part(address: bias &+ address, offset: offset, bytes: bytes))
        }
        self.constant = constant
        // Each section's header for itself: parts that are loaded may have the same addresses.
        let entries = (0..<sectionCount).map { (sections + $0 * 64, UInt64(64)) }
        headers = ([(0, 64), (names, namesBytes)] + entries).map {
            Part(address: bias &+ $0.0, offset: $0.0, bytes: $0.1)
        }
    }
}
