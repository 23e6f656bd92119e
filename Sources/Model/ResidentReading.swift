/// What of a process is in memory.
package struct ResidentReading: Sendable {
    /// Ascending. The sum of their `residentBytes` is the kernel's figure.
    package let uses: [MappingUse]
    /// The resident pages of those that have any (`MappingUse.hasPages`), ascending, merged.
    package let pages: [AddressRange]

    package init(uses: [MappingUse], pages: [AddressRange]) {
        self.uses = uses
        self.pages = pages
    }
}

extension MappingUse {
    /// Its page tables hold pages of memory: not those of devices, nor what the kernel lends (vvar, vdso), which
    /// `Rss` counts in part or not at all.
    package var hasPages: Bool { !mapping.isKernelProvided && !isOfDevice }

    private var isOfDevice: Bool {
        let name = mapping.nameBytes
        return name.starts(with: "/dev/".utf8) && !name.starts(with: "/dev/shm/".utf8)
            && !name.starts(with: "/dev/zero".utf8)
    }
}
