package import Model

extension HeapCounters {
    /// Finds malloc's counts in a process; nil where no arena of glibc is in use. Where several copies of the C library are
    /// loaded, that with most memory.
    package init?(in image: MemoryImage) {
        let rings = ArenaFinder(image: image).rings()
        let largest = rings.max { first, second in
            first.arenas.reduce(0) { $0 &+ $1.systemMemory } < second.arenas.reduce(0) { $0 &+ $1.systemMemory }
        }
        guard let ring = largest else { return nil }
        self.init(
            mainArena: ring.arenas[0].address, nextOffset: ring.layout.top + MallocLayout.next,
            systemMemoryOffset: ring.layout.top + MallocLayout.systemMemory,
            mappedBytes: MappedCounters(image: image, near: ring)?.address)
    }
}
