package import Analysis
import Model

/// All that `nusu why` says: who keeps a block, or the blocks of a type, alive.
package struct WhyReport: Sendable {
    package var look: HeapLook
    package var findings: WhyFindings

    package init(look: HeapLook, findings: WhyFindings) {
        self.look = look
        self.findings = findings
    }

    /// A block or a type was found.
    package var found: Bool { findings.alive.blocks + findings.lost.blocks > 0 }

    /// Everything was looked at.
    package var sawEverything: Bool { findings.exact && findings.gaps.isEmpty }
}
