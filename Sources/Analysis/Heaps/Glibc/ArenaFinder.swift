import Model

/// Finds glibc's arenas by their shape alone: no symbol, no debug information, no code run in the target.
///
/// `main_arena` lies in the writable data of whatever module carries malloc (libc.so, a static program, a second libc
/// loaded by dlmopen). Its 127 bins are list heads that point to themselves or to chunks that point back, which nothing
/// else in memory imitates. From there the `next` ring names all thread arenas.
struct ArenaFinder {
    let image: MemoryImage

    /// One allocator instance: its main arena first, then the thread arenas of the ring.
    struct Ring {
        let arenas: [Arena]
        /// The mapping (of a module) in which the main arena was found.
        let home: Mapping

        var layout: MallocLayout { arenas[0].layout }
    }

    /// How many bins may disagree: threads can be stopped in the middle of linking a chunk.
    private static let toleratedBins = 8
    /// glibc makes at most 8 arenas per core by default; this bounds a ring that was tampered with.
    private static let arenaLimit = 1 << 16

    func rings() -> [Ring] {
        var rings: [Ring] = []
        for (region, home) in dataRegions() {
            for top in candidates(in: region) {
                // Where the structure begins differs between releases; only from there does the ring come back to itself.
                for layout in MallocLayout.allCases where top >= layout.top {
                    let address = top - layout.top
                    guard !rings.contains(where: { $0.arenas[0].address == address }),
                        let ring = ring(from: address, layout, home: home)
                    else { continue }
                    rings.append(ring)
                }
            }
        }
        return rings
    }

    /// Writable private memory of modules: file mappings, and the anonymous mapping right behind one (bss).
    private func dataRegions() -> [(AddressRange, Mapping)] {
        var regions: [(AddressRange, Mapping)] = []
        for (index, mapping) in image.mappings.enumerated() {
            guard mapping.permissions.contains([.read, .write]), !mapping.permissions.contains(.shared) else {
                continue
            }
            if mapping.isFileBacked {
                regions.append((mapping.range, mapping))
            } else if index > 0, mapping.isAnonymous, !mapping.isHeap, let last = regions.last,
                image.mappings[index - 1].range.upper == mapping.range.lower, last.0.upper == mapping.range.lower
            {
                regions[regions.count - 1] = (AddressRange(last.0.lower, mapping.range.upper), last.1)
            }
        }
        return regions
    }

    /// Every 8-aligned address in `region` that looks like the member `top` of a main arena in use.
    private func candidates(in region: AddressRange) -> [UInt64] {
        var found: [UInt64] = []
        let size = Int(MallocLayout.end)
        let window = 1 << 20
        for part in image.reader.populated(in: region) {
            // The structure may begin in a page that was never touched but end in this one, so step back by its size.
            var start = max(region.lower, part.lower >= UInt64(size) ? part.lower - UInt64(size) : 0) & ~7
            while start + UInt64(size) <= part.upper {
                let count = min(window + size, Int(min(part.upper - start, UInt64(window + size)))) & ~7
                var buffer = [UInt64](repeating: 0, count: count / 8)
                let got = buffer.withUnsafeMutableBytes { image.reader.read(at: start, into: $0) } / 8
                let words = size / 8
                if got >= words {
                    for index in 0...(got - words) where plausible(buffer, index) {
                        let address = start + UInt64(index * 8)
                        if repeatsChunks(buffer, index) { continue }
                        if badBins(buffer, index, address) <= ArenaFinder.toleratedBins { found.append(address) }
                    }
                }
                start += UInt64(window)
            }
        }
        return found
    }

    /// The cheap test that almost every address fails.
    @inline(__always)
    private func plausible(_ words: [UInt64], _ index: Int) -> Bool {
        let memory = words[index + Int(MallocLayout.systemMemory / 8)]
        guard memory != 0, memory < MallocLayout.plausibleMemory else { return false }
        let maximum = words[index + Int(MallocLayout.maxSystemMemory / 8)]
        let next = words[index + Int(MallocLayout.next / 8)]
        let top = words[index]
        return maximum >= memory && maximum < MallocLayout.plausibleMemory && next != 0 && next & 7 == 0 && top != 0
            && top & 15 == 0
    }

    /// Whether more bins begin with their neighbour's chunk than may disagree: a chunk is in one list only. A large table of
    /// equal pointers (valgrind's is 16 MiB) would else be followed pointer by pointer, once for each of its words.
    private func repeatsChunks(_ words: [UInt64], _ index: Int) -> Bool {
        var count = 0
        var at = index + Int(MallocLayout.bins / 8)
        for _ in 1..<MallocLayout.binCount {
            if words[at] == words[at + 2] {
                count += 1
                if count > ArenaFinder.toleratedBins { return true }
            }
            at += 2
        }
        return false
    }

    private func badBins(_ words: [UInt64], _ index: Int, _ address: UInt64) -> Int {
        var bad = 0
        for bin in 0..<MallocLayout.binCount {
            let at = index + Int(MallocLayout.bins / 8) + bin * 2
            let own = address + MallocLayout.bins + UInt64(bin * 16) - 16
            let forward = words[at]
            let back = words[at + 1]
            if forward == own && back == own { continue }
            let linked =
                forward & 15 == 0 && back & 15 == 0 && image.reader.word(at: forward &+ 24) == own
                && image.reader.word(at: back &+ 16) == own
            if !linked {
                bad += 1
                if bad > ArenaFinder.toleratedBins { break }
            }
        }
        return bad
    }

    private func ring(from address: UInt64, _ layout: MallocLayout, home: Mapping) -> Ring? {
        var arenas: [Arena] = []
        var seen: Set<UInt64> = []
        var at = address
        repeat {
            guard seen.insert(at).inserted, arenas.count < ArenaFinder.arenaLimit,
                let arena = Arena(at: at, layout: layout, reader: image.reader)
            else { return nil }
            arenas.append(arena)
            at = arena.next
        } while at != address
        return Ring(arenas: arenas, home: home)
    }
}
