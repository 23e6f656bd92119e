package import Model

/// From a snapshot and what the kernel says of residency to the resident set in parts. Pure.
package enum MemoryAnalysis {
    /// - Parameters:
    ///   - image: nil where no snapshot could be taken: then there are no heap and no stacks but the main thread's.
    ///   - graph: built with its heap's layout; nil where the heap could not be read.
    ///   - threads: of the process, where there is no image to tell.
    package static func run(
        _ reading: ResidentReading, image: MemoryImage?, graph: ProcessGraph?, threads: Int = 1
    ) -> MemoryFindings {
        let heap = graph.flatMap { HeapAccounting.run($0, resident: reading.pages) }
        let found = image.map { StackFinder(image: $0).find() }
        let main = reading.uses.map(\.mapping).filter(\.isMainStack).map(\.range)
        let stacks = (main + (found?.live ?? []) + (found?.dead ?? [])).merged()
        let set = ResidentSet(reading: reading, heap: heap, stacks: stacks)
        let kernelBytes = reading.uses.reduce(UInt64(0)) { $0 + $1.residentBytes }
        var findings = MemoryFindings(
            kernelBytes: kernelBytes, parts: set.parts,
            proportionalBytes: reading.uses.reduce(0) { $0 + $1.proportionalBytes },
            swapBytes: reading.uses.reduce(0) { $0 + $1.swapBytes },
            hugePageBytes: reading.uses.reduce(0) { $0 + $1.hugePageBytes },
            stacks: StackUse(
                threads: image?.threads.count ?? threads, residentBytes: set.stackBytes,
                reservedBytes: stacks.reduce(0) { $0 + $1.count }),
            evidence: MemoryEvidence(resident: kernelBytes), isExact: graph?.exact ?? false)
        findings.heap = heap
        findings.shared = set.shared.sorted { ($0.residentBytes, $1.file.inode) > ($1.residentBytes, $0.file.inode) }
        findings.gaps = graph?.gaps ?? image?.gaps ?? []
        if let graph, heap != nil {
            let use = HeapAnalysis.run(graph, resident: reading.pages)
            findings.summary = use.heap
            findings.owners = use.owners.sorted {
                ($0.residentBytes ?? 0, $1.address) > ($1.residentBytes ?? 0, $0.address)
            }
            findings.lost = use.lost
        }
        findings.evidence = evidence(of: findings)
        return findings
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
