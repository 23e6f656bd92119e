import Model

/// Recognises pointers into the middle of a block that ordinary C++ keeps in place of a pointer to its start.
///
/// The size that was asked for is not known, only the usable size, which is up to 23 bytes larger (rounding to 16 with a
/// minimum of 24): the tests below allow for that.
final class InteriorBases {
    private let index: BlockIndex
    private let pages: PageCache

    private static let slack: UInt64 = 24

    init(index: BlockIndex, reader: any MemoryReader) {
        self.index = index
        pages = PageCache(reader)
    }

    func isBase(_ id: BlockID, offset: UInt64) -> Bool {
        let start = index.start(id)
        let usable = index.usable(id)
        guard offset > 0, offset < usable else { return false }
        // A tag in the low bits of a pointer to the start (red-black trees, the Swift runtime's tables).
        if offset < 8 { return true }
        if offset & 7 == 0, isSecondBase(start, offset) || isThrownObject(start, offset) { return true }
        switch offset {
        case 8, 16:
            return isArrayBehindCookie(start, offset, usable) || (offset == 8 && isLengthPrefixed(start, usable))
        case 24: return isSharedString(start, usable)
        default: return false
        }
    }

    /// A second base class: its virtual table says how far it lies from the start of the whole object (Itanium C++ ABI,
    /// 2.5.2: offset to top, two words before the address point).
    private func isSecondBase(_ start: UInt64, _ offset: UInt64) -> Bool {
        guard let table = pages.word(at: start + offset), table & 7 == 0, table > 1 << 16,
            let offsetToTop = pages.word(at: table &- 16), offsetToTop == 0 &- offset,
            let first = pages.word(at: start), first & 7 == 0, first > 1 << 16,
            pages.word(at: first &- 16) == 0
        else { return false }
        return true
    }

    /// An exception object: std::exception_ptr points behind the runtime's header, which ends in the unwinder's with the
    /// runtime's name in its first word (Itanium C++ ABI: Exception Handling, 2.2.1: "GNUCC++\0", last byte 1 if dependent).
    private func isThrownObject(_ start: UInt64, _ offset: UInt64) -> Bool {
        guard offset >= 64, let name = pages.word(at: start + offset - 32) else { return false }
        return name >> 8 == 0x0047_4e55_4343_2b2b
    }

    /// `new T[n]` with a destructor: the number of elements stands in the word before them (Itanium C++ ABI, 2.7).
    private func isArrayBehindCookie(_ start: UInt64, _ offset: UInt64, _ usable: UInt64) -> Bool {
        guard let count = pages.word(at: start + offset - 8), count > 0, count <= usable - offset else { return false }
        let most = (usable - offset) / count * count + offset
        return usable - most < InteriorBases.slack
    }

    /// A length word and then that many bytes (the habit of several libraries).
    private func isLengthPrefixed(_ start: UInt64, _ usable: UInt64) -> Bool {
        guard let length = pages.word(at: start), length <= usable - 8 else { return false }
        return usable - 8 - length < InteriorBases.slack
    }

    /// The shared std::string of the older ABI: length, capacity, reference count, and then the text with its NUL.
    private func isSharedString(_ start: UInt64, _ usable: UInt64) -> Bool {
        guard let length = pages.word(at: start), let capacity = pages.word(at: start + 8), length <= capacity,
            capacity <= usable - 25
        else { return false }
        return usable - 25 - capacity < InteriorBases.slack
    }
}
