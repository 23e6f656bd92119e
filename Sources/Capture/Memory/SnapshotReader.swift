import Kernel
import Model
import Synchronization

/// Reads a snapshot: the child of a fork, nusu's copy, the standing target, or, where memory cannot change or cannot be
/// frozen, the running target.
///
/// Reading never makes the target, or the child, take a private copy of a page. Once the session has ended in
/// order copies are read as before, and all else from the target as it then is.
final class SnapshotReader: MemoryReader {
    /// A private mapping of a file that is no larger counts as populated as a whole: untouched pages hold the file's bytes.
    private static let smallFileBytes: UInt64 = 16 << 20

    /// In ascending order, without overlaps.
    private let regions: [SnapshotRegion]
    private let live: OpenMemory
    private let frozen: OpenMemory
    private let copies: CopiedMemory?
    private let state: ReadingState
    private let isChildGone: @Sendable (Int32) -> Bool
    /// A page that is asked for and not there is added to the page tables: no matter in a child, but not in the target.
    private let joinedGapBytes: UInt64
    /// What files hold is read from them, and not from the target; nil: all is read from memory.
    private let files: MappedFileBytes?
    /// By number of the region: pages of private mappings of files that are not the file's any more.
    private let ownPages = Mutex<[Int: [AddressRange]]>([:])

    /// - Parameter child: nil where the target itself is read.
    init(
        regions: [SnapshotRegion], live: OpenMemory, child: OpenMemory?, copies: CopiedMemory?, state: ReadingState,
        files: MappedFileBytes? = nil, isChildGone: @escaping @Sendable (Int32) -> Bool
    ) {
        self.files = files
        self.isChildGone = isChildGone
        self.regions = regions
        self.live = live
        frozen = child ?? live
        self.copies = copies
        self.state = state
        joinedGapBytes = child == nil ? 0 : 16 << 10
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard state.admit(bytes: buffer.count) || state.stop == .ended else { return 0 }
        var done = 0
        var index = firstRegion(endingAbove: address)
        while done < buffer.count, index < regions.count {
            let at = address &+ UInt64(done)
            let region = regions[index]
            guard at >= address, region.range.contains(at) else { break }
            let wanted = min(buffer.count - done, Int(clamping: region.range.upper - at))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + wanted)])
            let got = read(index, at: at, into: part)
            done += got
            // A region may be read in several pieces, from its file and from memory.
            guard got > 0 else { break }
            if got == wanted { index += 1 }
        }
        return done
    }

    private func read(_ index: Int, at address: UInt64, into part: UnsafeMutableRawBufferPointer) -> Int {
        let region = regions[index]
        switch region.source {
        case .zeros:
            part.initializeMemory(as: UInt8.self, repeating: 0)
            return part.count
        case .copied(let start):
            let offset = UInt(address - region.range.lower)
            guard let source = UnsafeRawPointer(bitPattern: start + offset) else { return 0 }
            part.copyMemory(from: UnsafeRawBufferPointer(start: source, count: part.count))
            return part.count
        case .frozen where region.isServed, .live where region.isServed:
            return readOwnPages(index, at: address, into: part)
        case .frozen where state.stop == nil:
            if frozen === live, let got = readFile(index, at: address, into: part) { return got }
            let got = frozen.file.read(at: address, into: part)
            // A killed child has no memory; the vdso's data pages and guards cannot be read either way.
            if got == 0, frozen !== live, isChildGone(frozen.pid) { state.loseChild() }
            return got
        case .frozen, .live:
            // After an orderly end the target itself answers: small questions about blocks that were found.
            guard state.stop == nil || state.stop == .ended || !(region.isWritable || region.isShared) else { return 0 }
            return readFile(index, at: address, into: part) ?? live.file.read(at: address, into: part)
        }
    }

    /// From the file behind a region of the target, as far as the pages are the file's; nil where they are not, or the file
    /// cannot be read.
    private func readFile(_ index: Int, at address: UInt64, into part: UnsafeMutableRawBufferPointer) -> Int? {
        let region = regions[index]
        guard let files, region.isFileBacked, region.isShared || !region.isWritable else { return nil }
        guard !region.isShared else {
            let got = files.read(at: address, into: part)
            return got > 0 ? got : nil
        }
        let own = ownPages(of: index, in: live)
        let range = AddressRange(address, address + UInt64(part.count))
        // Up to the first page of the process's own, or that page and its neighbours.
        guard let first = own.first(where: { $0.overlaps(range) }) else { return fromFile(files, range, part) }
        if first.lower > address { return fromFile(files, AddressRange(address, first.lower), part) }
        let count = Int(min(first.upper, range.upper) - address)
        return live.file.read(at: address, into: UnsafeMutableRawBufferPointer(rebasing: part[..<count]))
    }

    private func ownPages(of index: Int, in memory: OpenMemory) -> [AddressRange] {
        ownPages.withLock { known in
            if let pages = known[index] { return pages }
            let pages = memory.pages.pages(.written, in: regions[index].range)
            known[index] = pages
            return pages
        }
    }

    /// Of a region whose file may not be touched: a page that is the file's might have to be fetched from it.
    private func readOwnPages(_ index: Int, at address: UInt64, into part: UnsafeMutableRawBufferPointer) -> Int {
        let source = regions[index].source == .frozen ? frozen : live
        guard state.stop == nil, let own = ownPages(of: index, in: source).first(where: { $0.contains(address) }) else {
            return 0
        }
        let count = min(part.count, Int(clamping: own.upper - address))
        return source.file.read(at: address, into: UnsafeMutableRawBufferPointer(rebasing: part[..<count]))
    }

    private func fromFile(
        _ files: MappedFileBytes, _ range: AddressRange, _ part: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let got = files.read(
            at: range.lower, into: UnsafeMutableRawBufferPointer(rebasing: part[..<Int(range.count)]))
        return got == Int(range.count) ? got : nil
    }

    func populated(in range: AddressRange) -> [AddressRange] { parts(of: range, wholeFiles: true) }

    func written(in range: AddressRange) -> [AddressRange] { parts(of: range, wholeFiles: false) }

    private func parts(of range: AddressRange, wholeFiles: Bool) -> [AddressRange] {
        var result: [AddressRange] = []
        var index = firstRegion(endingAbove: range.lower)
        while index < regions.count, regions[index].range.lower < range.upper {
            let region = regions[index]
            result += parts(of: region, in: region.range.intersection(range), wholeFiles: wholeFiles)
            index += 1
        }
        return result.merged()
    }

    /// - Parameter wholeFiles: whether untouched pages of a small file count too.
    private func parts(of region: SnapshotRegion, in range: AddressRange, wholeFiles: Bool) -> [AddressRange] {
        switch region.source {
        case .zeros: return []
        case .copied: return [range]
        case .frozen, .live:
            guard state.stop == nil || !(region.isWritable || region.isShared) else { return [] }
            let source = region.source == .frozen && state.stop == nil ? frozen : live
            if region.isServed { return source.pages.pages(.written, in: range) }
            if region.isPopulated { return [range] }
            if region.isFileBacked, !region.isShared {
                guard wholeFiles else { return source.pages.pages(.written, in: range) }
                if region.range.count <= SnapshotReader.smallFileBytes { return [range] }
                return source.pages.pages(.written, in: range, joining: joinedGapBytes)
            }
            return source.pages.pages(.populated, in: range, joining: source === live ? 0 : joinedGapBytes)
        }
    }

    private func firstRegion(endingAbove address: UInt64) -> Int {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
