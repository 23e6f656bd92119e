import Model

/// From an address space and a snapshot of its heap to the resident set in parts. Pure.
package enum MemoryAnalysis {
    /// - Parameters:
    ///   - space: read before the snapshot was taken, so that no copy of the process shares its pages.
    ///   - graph: built with its heap's layout; nil where the heap could not be read.
    package static func run(_ space: AddressSpace, graph: ProcessGraph?) -> MemoryFindings {
        let pages = residentPages(space.facts)
        let heap = pages.flatMap { pages in graph.flatMap { HeapAccounting.run($0, resident: pages) } }
        let set = ResidentSet(space: space, heap: heap, pages: pages ?? [])
        let total = space.total ?? MemoryUse()
        var findings = MemoryFindings(
            kernelBytes: total.resident, parts: set.parts, proportionalBytes: total.proportional,
            swapBytes: total.swapped, hugePageBytes: total.hugePages, stacks: stacks(space),
            evidence: MemoryEvidence(resident: total.resident))
        findings.heap = heap
        findings.shared = set.shared.sorted { ($0.residentBytes, $1.file.inode) > ($1.residentBytes, $0.file.inode) }
        findings.gaps = space.gaps
        if total.hugePages == 0 { findings.hugePageWasteBytes = 0 }
        if total.hugePages > 0, let graph, let pages {
            findings.hugePageWasteBytes = HugePageWaste(image: graph.image, pages: pages).bytes(
                in: space.facts.mappings)
        }
        if let graph, let pages, heap != nil {
            let use = HeapAnalysis.run(graph, resident: pages)
            findings.summary = use.heap
            findings.owners = use.owners.sorted {
                ($0.residentBytes ?? 0, $1.address) > ($1.residentBytes ?? 0, $0.address)
            }
            findings.lost = use.lost
            findings.isTorn = !use.exact
            findings.sawHeap = use.exact && use.gaps.isEmpty
        }
        findings.gaps += graph?.gaps ?? []
        findings.evidence = evidence(of: findings)
        return findings
    }

    /// nil where pagemap could not be read: then nothing says which parts of a heap are in memory.
    private static func residentPages(_ facts: AddressSpaceFacts) -> [AddressRange]? {
        // Pages of hugetlbfs are in no resident set.
        let huge = facts.mappings.filter { $0.flags.contains(.hugeTable) }.map(\.mapping.range)
        return facts.pages?.filter { $0.state.contains(.present) && !$0.state.contains(.zero) }.map(\.range).merged()
            .subtracting(huge)
    }

    private static func stacks(_ space: AddressSpace) -> StackUse {
        let regions = space.regions.filter { [.mainStack, .threadStack, .threadLocal].contains($0.kind) }
        return StackUse(
            threads: space.facts.threads.count, residentBytes: regions.reduce(0) { $0 + ($1.use?.resident ?? 0) },
            reservedBytes: regions.reduce(0) { $0 + $1.range.count })
    }

    private static func evidence(of findings: MemoryFindings) -> MemoryEvidence {
        var evidence = MemoryEvidence(resident: findings.kernelBytes)
        evidence.lost = findings.bytes(.heapLost)
        evidence.live = findings.bytes(.heapInUse)
        evidence.largestOwner = findings.owners.first?.residentBytes ?? 0
        evidence.keptFree = findings.bytes(.heapFree)
        evidence.orphanedFree = findings.heap?.orphanedFreeBytes ?? 0
        evidence.stacks = findings.bytes(.stacks)
        evidence.files = findings.bytes(.filesClean) + findings.bytes(.filesDirty)
        evidence.shared = findings.bytes(.shared)
        return evidence
    }
}
