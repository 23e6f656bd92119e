package import Model
package import SystemPackage

import CLinux
import Glibc

/// `/proc/PID/pagemap`: which pages of a process are populated (man 5 proc_pid_pagemap).
package struct PageMap: ~Copyable, Sendable {
    /// Which pages are asked for.
    package enum Selection: Sendable {
        /// In memory or swapped out.
        case populated
        /// Populated, and no longer (or never) the page of a file: what a private mapping's owner wrote.
        case written
    }

    let descriptor: Int32

    package init(_ pid: Int32, root: String = "/proc") throws(Errno) {
        descriptor = try checked { open("\(root)/\(pid)/pagemap", O_RDONLY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    package static let pageSize: UInt64 = 4096

    /// PAGE_IS_GUARD (include/uapi/linux/fs.h) where this kernel knows it (Linux 6.16), else 0: there a guard looks like a
    /// swapped page.
    static let guardCategory: UInt64 = {
        guard let map = try? PageMap(getpid()) else { return 0 }
        var region = clinux_page_region()
        let category: UInt64 = 1 << 8
        return withUnsafeMutablePointer(to: &region) { region in
            var argument = clinux_scan_argument()
            argument.size = UInt64(MemoryLayout<clinux_scan_argument>.size)
            argument.end = PageMap.pageSize
            argument.category_anyof_mask = category
            argument.return_mask = category
            argument.regions = UInt64(UInt(bitPattern: region))
            argument.region_count = 1
            return clinux_pagemap_scan(map.descriptor, &argument) >= 0 ? category : 0
        }
    }()

    /// The selected pages of `range` in ascending order, runs that are less than `gap` bytes apart joined.
    /// `[range]` where the kernel does not say.
    ///
    /// The corresponding C functions are `ioctl` (PAGEMAP_SCAN, Linux 6.7) and `pread`.
    package func pages(_ selection: Selection, in range: AddressRange, joining gap: UInt64 = 0) -> [AddressRange] {
        guard !range.isEmpty else { return [] }
        let lower = range.lower & ~(PageMap.pageSize - 1)
        let upper = (range.upper &+ PageMap.pageSize - 1) & ~(PageMap.pageSize - 1)
        guard upper > lower else { return [range] }
        var runs = PageRuns(gap: gap, bounds: range)
        if scan(selection, from: lower, to: upper, &runs) { return runs.ranges }
        runs = PageRuns(gap: gap, bounds: range)
        return readEntries(selection, from: lower, to: upper, &runs) ? runs.ranges : [range]
    }

    /// False where the kernel does not have the request.
    private func scan(_ selection: Selection, from lower: UInt64, to upper: UInt64, _ runs: inout PageRuns) -> Bool {
        // PAGE_IS_FILE 4, PAGE_IS_PRESENT 8, PAGE_IS_SWAPPED 16, PAGE_IS_PFNZERO 32 (include/uapi/linux/fs.h).
        let excluded: UInt64 = (selection == .written ? 32 | 4 : 32) | PageMap.guardCategory
        var regions = [clinux_page_region](repeating: clinux_page_region(), count: 512)
        var start = lower
        while start < upper {
            var argument = clinux_scan_argument()
            argument.size = UInt64(MemoryLayout<clinux_scan_argument>.size)
            argument.start = start
            argument.end = upper
            argument.category_inverted = excluded
            argument.category_mask = excluded
            argument.category_anyof_mask = 8 | 16
            argument.return_mask = 8 | 16
            let found = regions.withUnsafeMutableBufferPointer { buffer -> Int in
                argument.regions = UInt64(UInt(bitPattern: buffer.baseAddress))
                argument.region_count = UInt64(buffer.count)
                return Int(clinux_pagemap_scan(descriptor, &argument))
            }
            guard found >= 0, found <= regions.count else { return false }
            for region in regions[..<found] { runs.add(region.start, region.end) }
            guard argument.walk_end > start else { break }
            start = argument.walk_end
        }
        return true
    }

    private func readEntries(
        _ selection: Selection, from lower: UInt64, to upper: UInt64, _ runs: inout PageRuns
    ) -> Bool {
        // Bit 63 present, 62 swapped, 61 page of a file or shared, 58 a guard.
        let excluded: UInt64 = selection == .written ? 1 << 61 | 1 << 58 : 1 << 58
        var entries = [UInt64](repeating: 0, count: 16 * 1024)
        var start = lower
        while start < upper {
            let wanted = min(Int((upper - start) / PageMap.pageSize), entries.count)
            let offset = off_t(start / PageMap.pageSize * 8)
            let count = entries.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted * 8, offset) }
            guard count >= 8 else { return false }
            for index in 0..<(count / 8) {
                let entry = entries[index]
                guard entry >> 62 != 0, entry & excluded == 0 else { continue }
                let page = start + UInt64(index) * PageMap.pageSize
                runs.add(page, page + PageMap.pageSize)
            }
            start += UInt64(count / 8) * PageMap.pageSize
        }
        return true
    }
}

/// Collects ascending runs of pages, clipped to bounds.
private struct PageRuns {
    let gap: UInt64
    let bounds: AddressRange
    private(set) var ranges: [AddressRange] = []

    init(gap: UInt64, bounds: AddressRange) {
        self.gap = gap
        self.bounds = bounds
    }

    mutating func add(_ lower: UInt64, _ upper: UInt64) {
        let next = AddressRange(lower, upper).intersection(bounds)
        guard !next.isEmpty else { return }
        if let last = ranges.last, next.lower <= last.upper &+ gap {
            ranges[ranges.count - 1] = AddressRange(last.lower, max(last.upper, next.upper))
        } else {
            ranges.append(next)
        }
    }
}
