package import Model

extension ProcFS {
    /// `/proc/PID/smaps`: what of each mapping is in memory. Walks all page tables of the process.
    package func smaps(of pid: Int32) throws(Failure) -> [MappingUse] {
        MappingUse.parse(smaps: try read("smaps", of: pid, limit: 4 * Limit.maps))
    }
}

extension MappingUse {
    static func parse(smaps bytes: [UInt8]) -> [MappingUse] {
        var result: [MappingUse] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var previous: [UInt8] = []
            while var line = scanner.line() {
                guard let first = line.peek else { continue }
                if first < UInt8(ascii: "A") || first > UInt8(ascii: "Z") {
                    guard let mapping = Mapping(line: &line, previousName: &previous) else { continue }
                    if let last = result.last, mapping.range.lower < last.mapping.range.upper { continue }
                    result.append(MappingUse(mapping: mapping))
                } else if !result.isEmpty {
                    result[result.count - 1].take(&line)
                }
            }
        }
        return result
    }

    private mutating func take(_ line: inout ByteScanner) {
        if line.skip("Rss:") {
            residentBytes = line.blankThenKilobytes() ?? 0
        } else if line.skip("Pss:") {
            proportionalBytes = line.blankThenKilobytes() ?? 0
        } else if line.skip("Shared_Dirty:") || line.skip("Private_Dirty:") {
            dirtyBytes += line.blankThenKilobytes() ?? 0
        } else if line.skip("Swap:") {
            swapBytes = line.blankThenKilobytes() ?? 0
        } else if line.skip("AnonHugePages:") {
            hugePageBytes = line.blankThenKilobytes() ?? 0
        }
    }
}
