package import Analysis
package import Model

/// All that `nusu memory` says: the resident set in parts, what stands out, and what would help.
package struct MemoryReport: Sendable {
    /// What a second look saw.
    package struct Growth: Hashable, Sendable {
        /// Between the two.
        package var seconds: Double
        package var kernelBytesBefore: UInt64
        package var partsBefore: [ResidentPart]
        /// The owner that grew most, and by how much.
        package var owner: HeapFindings.Owner?
        package var ownerBytes: UInt64 = 0

        package init(seconds: Double, before: MemoryFindings, after: MemoryFindings) {
            self.seconds = seconds
            kernelBytesBefore = before.kernelBytes
            partsBefore = before.parts
            // An owner's own address changes when it is a table that was made larger: where it hangs does not.
            let earlier = Dictionary(before.owners.map { (Growth.place($0), $0.retained.bytes) }) { one, _ in one }
            for candidate in after.owners {
                let known = earlier[Growth.place(candidate)] ?? 0
                guard candidate.retained.bytes > known, candidate.retained.bytes - known > ownerBytes else { continue }
                owner = candidate
                ownerBytes = candidate.retained.bytes - known
            }
        }

        private struct Place: Hashable {
            let kind: RootKind?
            let address: UInt64?
            let thread: Int32?
            let fields: [String?]
        }

        private static func place(_ owner: HeapFindings.Owner) -> Place {
            Place(
                kind: owner.path.root?.kind, address: owner.path.root?.address, thread: owner.path.root?.thread,
                fields: owner.path.steps.map(\.field))
        }
    }

    package var target: ProcessIdentity
    /// nil where the heap could not be looked into.
    package var look: HeapLook?
    package var findings: MemoryFindings
    package var verdict: MemoryVerdict
    /// nil where the process is in no memory control group.
    package var group: GroupMemory?
    /// `VmPTE`: what the page tables themselves take; nil where the kernel does not say.
    package var pageTableBytes: UInt64?
    /// nil without `--over`.
    package var growth: Growth?

    package init(
        target: ProcessIdentity, look: HeapLook?, findings: MemoryFindings, verdict: MemoryVerdict,
        group: GroupMemory?, pageTableBytes: UInt64?, growth: Growth? = nil
    ) {
        self.target = target
        self.look = look
        self.findings = findings
        self.verdict = verdict
        self.group = group
        self.pageTableBytes = pageTableBytes
        self.growth = growth
    }

    /// All of the heap was looked at.
    package var sawHeap: Bool { findings.sawHeap }
    /// With `--over`: something grew.
    package var grew: Bool { verdict.grownBytes != nil }

    /// The owner that the verdict means.
    var namedOwner: HeapFindings.Owner? { grew ? growth?.owner ?? findings.owners.first : findings.owners.first }

    var paths: WhyPathText { WhyPathText(symbols: look?.symbols ?? [:], fields: look?.fields ?? .none) }
}
