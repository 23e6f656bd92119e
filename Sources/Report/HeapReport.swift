package import Analysis
import Model

/// All that `nusu heap` says: what is alive, by type, who keeps most of it, and with `--over` what grew.
package struct HeapReport: Sendable {
    package var look: HeapLook
    package var findings: HeapFindings
    /// nil without `--over`.
    package var growth: HeapGrowth?

    package init(look: HeapLook, findings: HeapFindings, growth: HeapGrowth? = nil) {
        self.look = look
        self.findings = findings
        self.growth = growth
    }

    /// What the user wants to see of it.
    package struct Options: Hashable, Sendable {
        /// Types and owners shown: nil as many as fit in 25 lines (JSON: all types), 0 all.
        package var limit: Int?
        /// Types and owners with fewer bytes are left out.
        package var minBytes: UInt64

        package init(limit: Int? = nil, minBytes: UInt64 = 0) {
            self.limit = limit
            self.minBytes = minBytes
        }

        /// The first `fitting` of `count`, or what the limit says.
        func shown(of count: Int, fitting: Int) -> Int {
            guard let limit else { return min(count, fitting) }
            return limit == 0 ? count : min(count, limit)
        }
    }

    /// Everything was looked at.
    package var sawEverything: Bool { findings.exact && findings.gaps.isEmpty }

    func types(_ options: Options) -> [HeapFindings.TypeUse] {
        findings.types.filter { $0.tally.bytes >= options.minBytes }
    }

    func owners(_ options: Options) -> [HeapFindings.Owner] {
        findings.owners.filter { $0.retained.bytes >= options.minBytes }
    }
}
