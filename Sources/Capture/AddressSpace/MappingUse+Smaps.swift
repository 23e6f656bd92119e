package import Model

extension MappingUse {
    /// Parses `/proc/PID/smaps` (man 5 proc_pid_smaps). What comes out ascends and never overlaps, as with maps; counters
    /// that follow a line which was left out are left out with it.
    package static func parse(smaps bytes: [UInt8]) -> [MappingUse] {
        var result: [MappingUse] = []
        // About 800 bytes a mapping; the bytes were bounded when they were read.
        result.reserveCapacity(bytes.count / 700 + 1)
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var previous: [UInt8] = []
            var isKept = false
            var use = MemoryUse()
            while var line = scanner.line() {
                // Only a mapping's own line starts with a digit or a small letter.
                guard let first = line.peek, first < UInt8(ascii: "A") || first > UInt8(ascii: "Z") else {
                    if isKept { result[result.count - 1].take(&line, &use) }
                    continue
                }
                if isKept { result[result.count - 1].use = use }
                use = MemoryUse()
                isKept = false
                guard let mapping = Mapping(line: &line, previousName: &previous) else { continue }
                if let last = result.last, mapping.range.lower < last.mapping.range.upper { continue }
                result.append(MappingUse(mapping: mapping))
                isKept = true
            }
            if isKept { result[result.count - 1].use = use }
        }
        return result
    }

    private mutating func take(_ line: inout ByteScanner, _ use: inout MemoryUse) {
        // Most of the 25 lines fail at their first byte.
        if line.skip("Rss:") {
            MappingUse.add(&line, to: &use.resident)
        } else if line.skip("Pss:") {
            MappingUse.add(&line, to: &use.proportional)
        } else if line.skip("Shared_Clean:") {
            MappingUse.add(&line, to: &use.sharedClean)
        } else if line.skip("Shared_Dirty:") {
            MappingUse.add(&line, to: &use.sharedDirty)
        } else if line.skip("Private_Clean:") {
            MappingUse.add(&line, to: &use.privateClean)
        } else if line.skip("Private_Dirty:") {
            MappingUse.add(&line, to: &use.privateDirty)
        } else if line.skip("Anonymous:") {
            MappingUse.add(&line, to: &use.anonymous)
        } else if line.skip("Swap:") {
            MappingUse.add(&line, to: &use.swapped)
        } else if line.skip("SwapPss:") {
            MappingUse.add(&line, to: &use.swappedProportional)
        } else if line.skip("AnonHugePages:") || line.skip("ShmemPmdMapped:") || line.skip("FilePmdMapped:") {
            MappingUse.add(&line, to: &use.hugePages)
        } else if line.skip("Shared_Hugetlb:") || line.skip("Private_Hugetlb:") {
            MappingUse.add(&line, to: &use.reservedHugePages)
        } else if line.skip("Locked:") {
            MappingUse.add(&line, to: &use.locked)
        } else if line.skip("KernelPageSize:") {
            kernelPageBytes = line.blankThenKilobytes()
        } else if line.skip("VmFlags:") {
            takeFlags(&line)
        }
    }

    private static func add(_ line: inout ByteScanner, to field: inout UInt64) {
        if let bytes = line.blankThenKilobytes() { field &+= bytes }
    }

    private mutating func takeFlags(_ line: inout ByteScanner) {
        while let flag = line.word() {
            guard flag.count == 2 else { continue }
            switch (flag[0], flag[1]) {
            case (UInt8(ascii: "h"), UInt8(ascii: "t")): flags.insert(.hugeTable)
            case (UInt8(ascii: "i"), UInt8(ascii: "o")), (UInt8(ascii: "p"), UInt8(ascii: "f")): flags.insert(.device)
            case (UInt8(ascii: "g"), UInt8(ascii: "d")): flags.insert(.growsDown)
            case (UInt8(ascii: "l"), UInt8(ascii: "o")): flags.insert(.locked)
            case (UInt8(ascii: "d"), UInt8(ascii: "c")): flags.insert(.leftOutOfForks)
            case (UInt8(ascii: "w"), UInt8(ascii: "f")): flags.insert(.wipedOnFork)
            default: break
            }
        }
    }
}
