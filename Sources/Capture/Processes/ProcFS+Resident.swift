package import Model

import Kernel

extension ProcFS {
    /// What of a process is in memory: the kernel's figures for each mapping, and right after them which pages those are.
    ///
    /// Stops nothing. Of a process at work the two differ by what came and went between them.
    package func resident(of pid: Int32) throws(Failure) -> ResidentReading {
        let uses = try smaps(of: pid)
        var pages: [AddressRange] = []
        do {
            let map = try PageMap(pid, root: root)
            for use in uses where use.residentBytes > 0 && use.hasPages {
                pages += map.pages(.resident, in: use.mapping.range)
            }
        } catch { throw failure(error, reading: "pagemap", of: pid) }
        return ResidentReading(uses: uses, pages: pages.merged())
    }
}
