import Analysis
import Model

/// What regions are called.
enum RegionText {
    /// "read, write", "read, run", "write + run !", "nothing".
    static func permissions(_ permissions: Mapping.Permissions) -> String {
        if permissions.contains([.write, .execute]) { return "write + run !" }
        var words: [String] = []
        if permissions.contains(.read) { words.append("read") }
        if permissions.contains(.write) { words.append("write") }
        if permissions.contains(.execute) { words.append("run") }
        return words.isEmpty ? "nothing" : words.joined(separator: ", ")
    }

    /// "rw-", "rwx!".
    static func letters(_ permissions: Mapping.Permissions) -> String {
        (permissions.contains(.read) ? "r" : "-") + (permissions.contains(.write) ? "w" : "-")
            + (permissions.contains(.execute) ? "x" : "-") + (permissions.contains([.write, .execute]) ? "!" : "")
    }

    /// "read and write it", "not touch it": goes on after "the program may".
    static func mayDo(_ permissions: Mapping.Permissions) -> String {
        var words: [String] = []
        if permissions.contains(.read) { words.append("read") }
        if permissions.contains(.write) { words.append("write") }
        if permissions.contains(.execute) { words.append("run") }
        guard let last = words.popLast() else { return "not touch it" }
        return (words.isEmpty ? last : "\(words.joined(separator: ", ")) and \(last)") + " it"
    }

    /// What a group is, for its line; escaped.
    static func name(_ group: RegionGroup, in space: AddressSpace) -> String {
        let regions = group.regions.map { space.regions[$0] }
        switch group.subject {
        case .program(let kind): return meaning(kind) + (kind == .text ? " of \(program(space))" : "")
        case .libraryCode: return "\(libraries(regions)): code, constants"
        case .libraryData: return "\(libraries(regions)): data, relro, bss"
        case .threadStacks:
            let stacks = regions.count { $0.kind == .threadStack }
            let guarded = regions.contains { $0.kind == .guardPages } ? ", with guards" : ""
            return "\(Units.counted(stacks, "thread stack"))\(guarded)"
        case .threadLocal: return "thread-local memory of main"
        case .other(let kind, let nameBytes): return other(kind, nameBytes, regions, space)
        }
    }

    private static func other(
        _ kind: Region.Kind, _ nameBytes: [UInt8], _ regions: [Region], _ space: AddressSpace
    ) -> String {
        switch kind {
        case .threadArena:
            let heaps = Set(regions.map { $0.range.lower >> 26 }).count
            return "heap: \(Units.counted(heaps, "thread arena"))"
        case .mappedBlock: return "heap: \(Units.counted(regions.count, "block")) of own mapping"
        case .sharedMemory: return shared(nameBytes, regions, space)
        case .mappedFile:
            let files = Set(regions.map { space.facts.mappings[$0.mapping].mapping.nameBytes })
            if files.count == 1, let only = files.first { return "file: \(lastPart(only))" }
            return "\(Units.counted(files.count, "mapped file"))"
        case .anonymous where !nameBytes.isEmpty: return "anonymous: \(TerminalText.escaped(nameBytes))"
        default: return meaning(kind)
        }
    }

    /// One region, for a line of its own or an answer; escaped.
    static func name(_ region: Region, in space: AddressSpace) -> String {
        let mapping = space.facts.mappings[region.mapping].mapping
        if let module = region.module {
            let owner = TerminalText.escaped(space.facts.modules[module].name)
            return "\(short(region.kind)) of \(owner)"
        }
        switch region.kind {
        case .threadStack, .guardPages, .threadLocal:
            guard let tid = region.thread else { return "\(short(region.kind)) of a thread that has ended" }
            let name = space.thread(tid).map { TerminalText.escaped($0.nameBytes) } ?? ""
            return "\(short(region.kind)) of thread \(tid)" + (name.isEmpty ? "" : " \(name)")
        case .sharedMemory: return shared(mapping.nameBytes, [region], space)
        case .mappedFile, .device, .kernel: return "\(short(region.kind)) \(TerminalText.escaped(mapping.nameBytes))"
        case .anonymous where !mapping.nameBytes.isEmpty:
            return "anonymous \(TerminalText.escaped(mapping.nameBytes))"
        default: return short(region.kind)
        }
    }

    static func short(_ kind: Region.Kind) -> String {
        switch kind {
        case .text: "code (text)"
        case .rodata: "constants (rodata)"
        case .relro: "relro"
        case .data: "data"
        case .bss: "zeroed data (bss)"
        case .mainHeap: "heap, main arena"
        case .threadArena: "heap, thread arena"
        case .mappedBlock: "heap, block of own mapping"
        case .mainStack: "stack of main"
        case .threadStack: "stack"
        case .guardPages: "guard"
        case .threadLocal: "thread-local memory"
        case .kernel: "kernel's"
        case .mappedFile: "file"
        case .sharedMemory: "shared memory"
        case .anonymous: "anonymous"
        case .generatedCode: "code made at run time"
        case .device: "device"
        case .reserved: "kept free"
        }
    }

    static func meaning(_ kind: Region.Kind) -> String {
        switch kind {
        case .text: "text: code"
        case .rodata: "rodata: constants"
        case .relro: "relro: sealed after linking"
        case .data: "data: initialised globals"
        case .bss: "bss: zeroed globals"
        case .mainHeap: "heap: main arena, grows up"
        case .mainStack: "stack of main, grows down"
        case .kernel: "vdso: the kernel's fast calls"
        case .anonymous: "other anonymous"
        case .generatedCode: "code made at run time (JIT)"
        case .device: "memory of devices"
        case .reserved: "kept free: nobody may touch it"
        default: short(kind)
        }
    }

    private static func libraries(_ regions: [Region]) -> String {
        Units.counted(Set(regions.compactMap(\.module)).count, "library", plural: "libraries")
    }

    private static func program(_ space: AddressSpace) -> String {
        let module = space.facts.modules.first { $0.isProgram }
        return TerminalText.escaped(module?.name ?? "the program")
    }

    /// "shared with nginx (910), 3 others: ratelimit": who shares it comes first, since names may be long.
    private static func shared(_ nameBytes: [UInt8], _ regions: [Region], _ space: AddressSpace) -> String {
        let who = sharers(regions, space).map { " with \($0)" } ?? ""
        if nameBytes.isEmpty || nameBytes.starts(with: "/dev/zero".utf8) {
            return "shared\(who.isEmpty ? " memory" : who)"
        }
        return "shared\(who): \(nameBytes.starts(with: "/SYSV".utf8) ? "System V " : "")\(lastPart(nameBytes))"
    }

    private static func sharers(_ regions: [Region], _ space: AddressSpace) -> String? {
        guard let file = regions.first.flatMap({ space.facts.mappings[$0.mapping].mapping.file }),
            let sharers = space.facts.sharers[file], let first = sharers.processes.first
        else { return nil }
        let others = sharers.count > 1 ? ", \(Units.counted(sharers.count - 1, "other"))" : ""
        return "\(TerminalText.escaped(first.commandBytes)) (\(first.pid))\(others)"
    }

    private static func lastPart(_ path: [UInt8]) -> String {
        TerminalText.escaped(path.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? path)
    }
}
