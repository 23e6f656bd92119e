/// The layout of a saved graph (README.md in this folder): a header, then sections, each compressed by itself.
enum SavedFormat {
    /// Not text on purpose: a transfer that changes line ends is noticed in the first eight bytes (as PNG does it).
    static let magic: [UInt8] = [0x89] + Array("nusu".utf8) + [0x0d, 0x0a, 0x1a]
    static let version: UInt8 = 1
    static let headerBytes = magic.count + 1
    /// Tag, length, compressed length: 4, 8 and 8 bytes, little-endian.
    static let sectionHeaderBytes = 20

    /// Sections in the order in which they are written.
    enum Section: String, CaseIterable {
        /// Process, heap, gaps, number of blocks.
        case head
        case maps
        case threads = "thrd"
        case types = "type"
        /// Blocks with a mapping of their own.
        case large = "larg"
        /// Up to `ObjectGraph.segmentBlocks` blocks; as many sections as it takes, each followed by its pointers.
        case blocks = "blks"
        case pointers = "ptrs"
        /// References and counts of Swift objects.
        case swift = "swft"
        case roots = "root"
        /// FILEs with a descriptor; left out where there are none.
        case streams = "strm"
        /// Single words that findings ask for besides pointers to blocks.
        case words = "word"
        /// What the look cost, when it was, and the names of variables.
        case facts = "fact"
        /// How many sections came before: a file that was cut short has none.
        case end = "end "

        var tag: [UInt8] { Array(rawValue.utf8) }

        init?(tag: ArraySlice<UInt8>) { self.init(rawValue: String(decoding: tag, as: UTF8.self)) }
    }

    /// The longest section that is read, uncompressed.
    static let sectionLimitBytes = 1 << 30
    /// Virtual address space, in GiB, in which blocks may lie: each GiB costs the index a MiB.
    static let regionLimit = 1024

    static func sectionHeader(_ section: Section, length: Int, compressedLength: Int) -> [UInt8] {
        section.tag + littleEndian(UInt64(length)) + littleEndian(UInt64(compressedLength))
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(value >> ($0 * 8) & 0xff) } }

    static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
