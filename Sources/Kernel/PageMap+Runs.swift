package import Model

import CLinux
import Glibc

extension PageMap {
    /// The pages in `range` that are in memory or swapped out, as runs of one state in ascending order; nil where the kernel
    /// does not tell, or where there are more than `limit` runs.
    ///
    /// The corresponding C functions are `ioctl` (PAGEMAP_SCAN, Linux 6.7) and `pread`.
    package func runs(in ranges: [AddressRange], limit: Int) -> [PageRun]? {
        var result: [PageRun] = []
        var scans = true
        for range in ranges where !range.isEmpty {
            if scans, !scan(range, limit: limit, &result) {
                guard errno == ENOTTY || errno == EINVAL else { return nil }
                scans = false
            }
            if !scans, !readEntries(range, limit: limit, &result) { return nil }
            if result.count >= limit { return nil }
        }
        return result
    }

    /// The entry of one page as it is (man 5 proc_pid_pagemap); nil where it cannot be read.
    package func entry(at address: UInt64) -> UInt64? {
        var entry: UInt64 = 0
        guard let offset = off_t(exactly: address / PageMap.pageSize * 8),
            pread(descriptor, &entry, 8, offset) == 8
        else { return nil }
        return entry
    }

    private func scan(_ range: AddressRange, limit: Int, _ result: inout [PageRun]) -> Bool {
        // PAGE_IS_FILE 4, PAGE_IS_PRESENT 8, PAGE_IS_SWAPPED 16, PAGE_IS_PFNZERO 32 (include/uapi/linux/fs.h).
        var regions = [clinux_page_region](repeating: clinux_page_region(), count: 2048)
        var start = range.lower
        while start < range.upper, result.count < limit {
            var argument = clinux_scan_argument()
            argument.size = UInt64(MemoryLayout<clinux_scan_argument>.size)
            argument.start = start
            argument.end = range.upper
            argument.category_anyof_mask = 8 | 16
            argument.return_mask = 4 | 8 | 16 | 32 | PageMap.guardCategory
            let found = regions.withUnsafeMutableBufferPointer { buffer -> Int in
                argument.regions = UInt64(UInt(bitPattern: buffer.baseAddress))
                argument.region_count = UInt64(buffer.count)
                return Int(clinux_pagemap_scan(descriptor, &argument))
            }
            guard found >= 0, found <= regions.count else { return false }
            for region in regions[..<found] {
                var state: PageRun.State = region.categories & PageMap.guardCategory != 0 ? [.guarded] : []
                if region.categories & 4 != 0 { state.insert(.file) }
                if region.categories & 8 != 0 { state.insert(.present) }
                if region.categories & 16 != 0, state != .guarded { state.insert(.swapped) }
                if region.categories & 32 != 0 { state.insert(.zero) }
                PageMap.append(PageRun(range: AddressRange(region.start, region.end), state: state), to: &result)
            }
            guard argument.walk_end > start else { break }
            start = argument.walk_end
        }
        return true
    }

    /// Older kernels: 8 bytes a page, and no way to tell the page of zeros.
    private func readEntries(_ range: AddressRange, limit: Int, _ result: inout [PageRun]) -> Bool {
        var entries = [UInt64](repeating: 0, count: 16 * 1024)
        var start = range.lower
        while start < range.upper, result.count < limit {
            let wanted = min(Int(clamping: (range.upper - start) / PageMap.pageSize), entries.count)
            guard wanted > 0, let offset = off_t(exactly: start / PageMap.pageSize * 8) else { break }
            let count = entries.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted * 8, offset) }
            guard count >= 8 else { return false }
            for (index, entry) in entries[..<(count / 8)].enumerated() where entry >> 62 != 0 {
                let page = start + UInt64(index) * PageMap.pageSize
                let run = PageRun(range: AddressRange(page, page + PageMap.pageSize), state: PageRun.State(entry))
                PageMap.append(run, to: &result)
            }
            start += UInt64(count / 8) * PageMap.pageSize
        }
        return true
    }

    private static func append(_ run: PageRun, to result: inout [PageRun]) {
        if let last = result.last, last.range.upper == run.range.lower, last.state == run.state {
            result[result.count - 1] = PageRun(
                range: AddressRange(last.range.lower, run.range.upper), state: run.state)
        } else {
            result.append(run)
        }
    }
}

extension PageRun.State {
    /// Of an entry of pagemap: bit 63 present, 62 swapped, 61 page of a file or shared, 58 a guard (since Linux 6.15), which
    /// is also marked as swapped.
    package init(_ entry: UInt64) {
        self = entry & 1 << 58 != 0 ? [.guarded] : []
        if entry & 1 << 63 != 0 { insert(.present) }
        if entry & 1 << 62 != 0, !contains(.guarded) { insert(.swapped) }
        if entry & 1 << 61 != 0 { insert(.file) }
    }
}
