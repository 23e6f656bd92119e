import Kernel
import Model

/// The memory of a process that runs, as far as it lies in memory anyway. Reading what does not would bring it in, and so
/// change what is looked at.
final class ResidentMemory: MemoryReader {
    private let file: MemoryFile
    /// Present pages that are no zeros, ascending, joined.
    private let present: [AddressRange]

    init(file: consuming MemoryFile, pages: [PageRun]) {
        self.file = file
        var ranges: [AddressRange] = []
        for page in pages where page.state.contains(.present) && !page.state.contains(.zero) {
            if let last = ranges.last, last.upper == page.range.lower {
                ranges[ranges.count - 1] = AddressRange(last.lower, page.range.upper)
            } else {
                ranges.append(page.range)
            }
        }
        present = ranges
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let index = firstRange(endingAbove: address)
        guard index < present.count, present[index].contains(address) else { return 0 }
        let count = min(buffer.count, Int(clamping: present[index].upper - address))
        return file.read(at: address, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }

    func populated(in range: AddressRange) -> [AddressRange] {
        var result: [AddressRange] = []
        var index = firstRange(endingAbove: range.lower)
        while index < present.count, present[index].lower < range.upper {
            result.append(present[index].intersection(range))
            index += 1
        }
        return result
    }

    private func firstRange(endingAbove address: UInt64) -> Int {
        var low = 0
        var high = present.count
        while low < high {
            let middle = (low + high) / 2
            if present[middle].upper <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
