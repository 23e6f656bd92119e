/// What stands out in a resident set: how much of it each explanation covers.
package struct MemoryEvidence: Hashable, Sendable {
    package var resident: UInt64
    /// Blocks that nothing reaches.
    package var lost: UInt64 = 0
    /// Blocks in use.
    package var live: UInt64 = 0
    /// What the largest single owner among the blocks in use keeps.
    package var largestOwner: UInt64 = 0
    /// Free, and kept by malloc.
    package var keptFree: UInt64 = 0
    /// The part of it in arenas whose threads have ended.
    package var orphanedFree: UInt64 = 0
    package var stacks: UInt64 = 0
    package var files: UInt64 = 0
    package var shared: UInt64 = 0

    package init(resident: UInt64) { self.resident = resident }
}

/// Where a process's memory goes, in a word. The names are a promise to scripts.
package struct MemoryVerdict: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case leak, cache, fragmentation, arenas, stacks, files, shared, nothing
    }

    package let kind: Kind
    /// What it explains of the resident set; 0 for `nothing`.
    package let bytes: UInt64
    /// By how much that grew between two looks; nil with one look, or where nothing grew.
    package let grownBytes: UInt64?

    package init(kind: Kind, bytes: UInt64, grownBytes: UInt64? = nil) {
        self.kind = kind
        self.bytes = bytes
        self.grownBytes = grownBytes
    }
}

extension MemoryVerdict {
    /// An explanation counts from this share of the resident set on. `isWaste`: memory that does the program no good comes
    /// before memory that it uses, however large that is.
    private struct Rule {
        let kind: Kind
        let leastShare: Double
        let isWaste: Bool
    }

    /// The shares are set so that ordinary programs have none of these: their malloc keeps a tenth or so, their stacks a few
    /// hundredths. Code and the data of libraries are no explanation at any size.
    private static let rules = [
        Rule(kind: .leak, leastShare: 0.10, isWaste: true),
        Rule(kind: .arenas, leastShare: 0.20, isWaste: true),
        Rule(kind: .fragmentation, leastShare: 0.25, isWaste: true),
        Rule(kind: .stacks, leastShare: 0.25, isWaste: false),
        Rule(kind: .cache, leastShare: 0.30, isWaste: false),
        Rule(kind: .files, leastShare: 0.40, isWaste: false),
        Rule(kind: .shared, leastShare: 0.30, isWaste: false),
    ]
    /// Less is not worth an explanation.
    private static let leastBytes: UInt64 = 1 << 20
    /// What grows by less between two looks may be any program's ups and downs: this much, and this share.
    private static let leastGrowth: UInt64 = 256 << 10
    private static let leastGrownShare = 0.005

    /// Of one look, or of the second of two: what grew most explains most. Pure.
    package static func judge(_ evidence: MemoryEvidence, before: MemoryEvidence? = nil) -> MemoryVerdict {
        if let before, let growth = growth(from: before, to: evidence) { return growth }
        for isWaste in [true, false] {
            let fitting = rules.filter { rule in
                let bytes = evidence.bytes(of: rule.kind)
                return rule.isWaste == isWaste && bytes >= leastBytes
                    && Double(bytes) >= rule.leastShare * Double(evidence.resident)
            }
            let largest = fitting.max { evidence.bytes(of: $0.kind) < evidence.bytes(of: $1.kind) }
            if let largest { return MemoryVerdict(kind: largest.kind, bytes: evidence.bytes(of: largest.kind)) }
        }
        return MemoryVerdict(kind: .nothing, bytes: 0)
    }

    private static func growth(from before: MemoryEvidence, to now: MemoryEvidence) -> MemoryVerdict? {
        let least = max(leastGrowth, UInt64(leastGrownShare * Double(now.resident)))
        var best: MemoryVerdict?
        for rule in rules {
            let bytes = now.grown(of: rule.kind)
            let earlier = before.grown(of: rule.kind)
            guard bytes > earlier, bytes - earlier >= max(least, (best?.grownBytes ?? 0) + 1) else { continue }
            best = MemoryVerdict(kind: rule.kind, bytes: bytes, grownBytes: bytes - earlier)
        }
        return best
    }
}

extension MemoryEvidence {
    /// How much of the resident set an explanation covers.
    fileprivate func bytes(of kind: MemoryVerdict.Kind) -> UInt64 {
        // The free memory is one or the other, by where most of it lies.
        let isOrphaned = orphanedFree >= keptFree - min(orphanedFree, keptFree)
        return switch kind {
        case .leak: lost
        case .arenas: isOrphaned ? keptFree : 0
        case .fragmentation: isOrphaned ? 0 : keptFree
        case .cache: largestOwner
        case .stacks: stacks
        case .files: files
        case .shared: shared
        case .nothing: 0
        }
    }

    /// The same for growth: whatever grows among the blocks in use is a cache, whoever holds it.
    fileprivate func grown(of kind: MemoryVerdict.Kind) -> UInt64 { kind == .cache ? live : bytes(of: kind) }
}
