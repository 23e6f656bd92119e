package import Model

/// An address space with its meaning: regions that cover every mapping, without overlaps, and whose parts add up to what the
/// kernel counts.
package struct AddressSpace: Sendable {
    package let facts: AddressSpaceFacts
    /// Ascending, without overlaps; together exactly the mappings.
    package let regions: [Region]
    /// What the kernel counts of all mappings, in one reading; nil where it does not tell.
    package let total: MemoryUse?
    /// Kernel's resident bytes less those of all regions: pages that came or went between the two readings. 0 on a process
    /// that stands still.
    package let changedBytes: Int64
    package let gaps: [Gap]

    package init(_ facts: AddressSpaceFacts) {
        var claims = RegionClaims(facts)
        claims.findAll()
        let builder = RegionBuilder(facts: facts, claims: claims.sorted, modules: claims.moduleOfMapping)
        regions = builder.build()
        self.facts = facts
        gaps = facts.gaps + claims.gaps
        guard facts.mappings.contains(where: { $0.use != nil }) else {
            total = nil
            changedBytes = 0
            return
        }
        var sum = MemoryUse()
        for mapping in facts.mappings { if let use = mapping.use { sum += use } }
        total = sum
        let resident = regions.reduce(UInt64(0)) { $0 &+ ($1.use?.resident ?? 0) }
        changedBytes = Int64(truncatingIfNeeded: sum.resident &- resident)
    }

    package var reservedBytes: UInt64 { regions.reduce(0) { $0 &+ $1.range.count } }

    /// The number of the region that holds `address`; nil where nothing is mapped.
    package func index(at address: UInt64) -> Int? {
        let low = firstIndex(endingAbove: address)
        return low < regions.count && regions[low].range.contains(address) ? low : nil
    }

    /// The nearest regions below and above an address at which nothing lies.
    package func neighbours(of address: UInt64) -> (below: Region?, above: Region?) {
        let above = firstIndex(endingAbove: address)
        return (above > 0 ? regions[above - 1] : nil, above < regions.count ? regions[above] : nil)
    }

    /// The section of its module that `address` lies in.
    package func section(at address: UInt64, in region: Region) -> ModuleHeaders.Section? {
        guard let module = region.module.map({ facts.modules[$0] }), let headers = module.headers else { return nil }
        return headers.sections.last { $0.range.contains(address &- module.bias) }
    }

    package func thread(_ tid: Int32) -> AddressSpaceFacts.Thread? { facts.threads.first { $0.tid == tid } }

    private func firstIndex(endingAbove address: UInt64) -> Int {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
