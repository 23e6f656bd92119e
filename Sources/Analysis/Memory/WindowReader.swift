package import Model

/// Word access to memory through one window: sequential and nearby reads cost one call per window, not one per word.
/// Not for several threads at once.
package final class WindowReader {
    private let reader: any MemoryReader
    private let buffer: UnsafeMutableRawPointer
    private let capacity: UInt64
    /// What is read at once: all of the window, or what reading ahead has grown to.
    @exclusivity(unchecked) private var step: UInt64
    /// Nothing is read ahead from here on.
    private let end: UInt64
    /// nil for a window that does not read ahead.
    private let look: (@Sendable (UnsafeRawBufferPointer, UInt64) -> Void)?
    /// The window holds `lower ..< upper`; empty at first.
    @exclusivity(unchecked) private var lower: UInt64 = 0
    @exclusivity(unchecked) private var upper: UInt64 = 0

    private static let pageBytes: UInt64 = 4096
    private static let firstStep: UInt64 = 1 << 18
    private static let largestStep: UInt64 = 1 << 22

    /// `windowBytes` is rounded up to whole pages.
    package init(_ reader: any MemoryReader, windowBytes: Int = 1 << 18) {
        self.reader = reader
        capacity = max(WindowReader.wholePages(UInt64(max(windowBytes, 0))), WindowReader.pageBytes)
        step = capacity
        end = .max
        look = nil
        buffer = .allocate(byteCount: Int(capacity), alignment: Int(WindowReader.pageBytes))
    }

    /// A window for whoever goes through `range` from its start to its end: the further they come without leaving much
    /// out, the more is read ahead, on all cores.
    ///
    /// - Parameter look: told of everything that is read, and its address, on the thread that read it; whole pages but for
    ///   the last of them.
    init(
        _ reader: any MemoryReader, through range: AddressRange,
        look: @escaping @Sendable (UnsafeRawBufferPointer, UInt64) -> Void
    ) {
        self.reader = reader
        self.look = look
        capacity = min(
            max(WindowReader.wholePages(range.count) + WindowReader.pageBytes, WindowReader.pageBytes),
            WindowReader.largestStep)
        step = min(WindowReader.firstStep, capacity)
        end = range.upper
        buffer = .allocate(byteCount: Int(capacity), alignment: Int(WindowReader.pageBytes))
    }

    deinit { buffer.deallocate() }

    private static func wholePages(_ bytes: UInt64) -> UInt64 {
        (min(bytes, largestStep << 8) + pageBytes - 1) & ~(pageBytes - 1)
    }

    /// The 64-bit word at `address`; nil where it cannot be read.
    @inline(__always)
    package func word(at address: UInt64) -> UInt64? {
        if address >= lower, address < upper, upper - address >= 8 {
            return UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: Int(address - lower), as: UInt64.self))
        }
        return reload(address)
    }

    /// Moves the window so that it begins in the page of `address`.
    @inline(never)
    private func reload(_ address: UInt64) -> UInt64? {
        guard address <= UInt64.max - capacity - 8 else { return nil }
        if look != nil {
            let follows = address >= lower && address < upper &+ step / 4
            step = follows ? min(step * 2, capacity) : min(WindowReader.firstStep, capacity)
        }
        lower = address & ~(WindowReader.pageBytes - 1)
        // What lies behind the end is asked for page by page.
        let wanted = lower < end ? min(step, end - lower) : WindowReader.pageBytes
        let window = UnsafeMutableRawBufferPointer(start: buffer, count: Int(wanted))
        let got =
            look.map { reader.readInParts(at: lower, into: window, look: $0) } ?? reader.read(at: lower, into: window)
        upper = lower + UInt64(max(got, 0))
        if address < upper, upper - address >= 8 {
            return UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: Int(address - lower), as: UInt64.self))
        }
        // The word reaches over the end of what can be read here (or of the window).
        return reader.word(at: address)
    }
}

/// A reader that keeps the pages it has read: for scattered small reads (types, vtables, second bases).
/// Not for several threads at once.
package final class PageCache {
    private let reader: any MemoryReader
    private var pages: [UInt64: [UInt8]] = [:]
    private let limit: Int

    /// Keeps at most `limit` pages of 4 KiB.
    package init(_ reader: any MemoryReader, limit: Int = 2048) {
        self.reader = reader
        self.limit = limit
    }

    package func word(at address: UInt64) -> UInt64? {
        let offset = Int(address & 4095)
        guard offset <= 4088 else { return reader.word(at: address) }
        guard let page = page(at: address & ~4095), page.count >= offset + 8 else { return nil }
        return page.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }

    package func word32(at address: UInt64) -> UInt32? {
        let offset = Int(address & 4095)
        guard offset <= 4092 else { return reader.word32(at: address) }
        guard let page = page(at: address & ~4095), page.count >= offset + 4 else { return nil }
        return page.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }

    /// The bytes up to the first NUL; nil when there is none within `limit` bytes.
    package func cString(at address: UInt64, limit: Int) -> [UInt8]? { reader.cString(at: address, limit: limit) }

    private func page(at start: UInt64) -> [UInt8]? {
        if let page = pages[start] { return page }
        var got = 0
        let page = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialized in
            got = reader.read(at: start, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = max(got, 0)
        }
        if pages.count >= limit { pages.removeAll(keepingCapacity: true) }
        pages[start] = page
        return page
    }
}
