import Model

@testable import Analysis
@testable import Report

extension Fixture {
    private static let api: UInt64 = 0x55d0_c670_0000
    private static let library: UInt64 = 0x7f3c_2000_0000
    private static let threads: UInt64 = 0x7f3c_1000_0000
    static let shared: UInt64 = 0x7f3c_0800_0000
    static let brk: UInt64 = 0x55d0_c8e0_0000

    /// A server of one library, two threads, and a shared object whose name is not to be trusted.
    static func addressSpace(
        source: AddressSpaceFacts.Source = .process, hasFigures: Bool = true, hasWritableCode: Bool = true,
        change: (inout AddressSpaceFacts) -> Void = { _ in }
    ) -> AddressSpace {
        let modules = [("/app/api", api), ("/lib/libpq.so.5", library)]
        var mappings: [MappingUse] = []
        var loaded: [LoadedModule] = []
        func add(
            _ lower: UInt64, _ bytes: UInt64, _ permissions: Mapping.Permissions, resident: UInt64, inode: UInt64 = 0,
            offset: UInt64 = 0, _ name: String = ""
        ) {
            var item = MappingUse(
                mapping: Mapping(
                    range: AddressRange(lower, lower + bytes), permissions: permissions, fileOffset: offset,
                    inode: inode, nameBytes: Array(name.utf8)))
            if hasFigures {
                var use = MemoryUse()
                use.resident = resident
                use.proportional = inode == 0 ? resident : resident / 2
                use.anonymous = inode == 0 ? resident : 0
                use.privateDirty = permissions.contains(.write) ? resident : 0
                item.use = use
            }
            mappings.append(item)
        }
        func load(_ index: Int) {
            let (path, base) = modules[index]
            let first = mappings.count
            let inode = UInt64(index + 5)
            add(base, 4 << 20, [.read, .execute], resident: 3 << 20, inode: inode, path)
            add(base + 4 << 20, 2 << 20, [.read], resident: 1 << 20, inode: inode, offset: 4 << 20, path)
            add(base + 6 << 20, 1 << 20, [.read, .write], resident: 900 << 10, inode: inode, offset: 6 << 20, path)
            var module = LoadedModule(
                pathBytes: Array(path.utf8), mappings: Array(first..<mappings.count), bias: base, headers: headers)
            module.isProgram = index == 0
            loaded.append(module)
        }
        load(0)
        add(brk, 240 << 20, [.read, .write], resident: 232 << 20, "[heap]")
        add(shared, 8 << 20, [.read, .write, .shared], resident: 8 << 20, inode: 9, "/dev/shm/rate\u{1b}limit")
        for thread in 0..<UInt64(2) {
            let base = threads + thread << 24
            add(base, 4096, [], resident: 0)
            add(base + 4096, 8 << 20, [.read, .write], resident: 128 << 10)
        }
        add(
            threads + 5 << 24, 64 << 10, hasWritableCode ? [.read, .write, .execute] : [.read, .execute],
            resident: 4096)
        load(1)
        add(0x7ffd_1a2c_0000, 132 << 10, [.read, .write], resident: 60 << 10, "[stack]")
        add(0x7ffd_1a3f_2000, 8192, [.read, .execute], resident: 4096, "[vdso]")
        var facts = AddressSpaceFacts(
            process: ProcessIdentity(pid: 1234, startTicks: 1, commandBytes: Array("api".utf8)), mappings: mappings)
        facts.source = source
        facts.modules = loaded
        facts.threads = (0..<2).map { number in
            AddressSpaceFacts.Thread(
                tid: 1235 + number, nameBytes: Array("NIO-ELT\u{7}\(number)".utf8),
                stackPointer: threads + UInt64(number) << 24 + 8 << 20 - 4096)
        }
        if hasFigures { facts.pages = [PageRun(range: AddressRange(api, api + 7 << 20), state: [.present, .file])] }
        if let file = mappings.first(where: { $0.mapping.range.lower == shared })?.mapping.file {
            let nginx = ProcessIdentity(pid: 910, startTicks: 1, commandBytes: Array("ngi\u{1b}nx".utf8))
            facts.sharers = [file: .init(processes: [nginx], count: 3)]
        }
        change(&facts)
        return AddressSpace(facts)
    }

    /// Segments and sections that fit the mappings above.
    private static let headers = ModuleHeaders(
        segments: [
            .init(range: AddressRange(0, 4 << 20), fileEnd: 4 << 20, fileOffset: 0, permissions: [.read, .execute]),
            .init(range: AddressRange(4 << 20, 6 << 20), fileEnd: 6 << 20, fileOffset: 4 << 20, permissions: [.read]),
            .init(
                range: AddressRange(6 << 20, 7 << 20), fileEnd: 7 << 20, fileOffset: 6 << 20,
                permissions: [.read, .write]),
        ],
        sections: [
            .init(name: ".text", range: AddressRange(0, 4 << 20), isCode: true, isWritable: false, isZeroed: false),
            .init(
                name: ".rodata\u{1b}", range: AddressRange(4 << 20, 6 << 20), isCode: false, isWritable: false,
                isZeroed: false),
            .init(
                name: ".data", range: AddressRange(6 << 20, 7 << 20), isCode: false, isWritable: true, isZeroed: false),
        ])

    /// What lies in the heap of that server.
    static func addressReport(
        _ address: UInt64 = brk + 24, _ place: HeapPlace? = heapPlace(.reachable), isLookedInto: Bool = true
    ) -> AddressReport {
        var report = AddressReport(
            space: addressSpace(), address: address, symbol: nil,
            page: PageFacts(state: .present, frame: 0x20118b, timesMapped: 1))
        if isLookedInto {
            report.heap = .init(place: place, snapshot: SnapshotFacts(method: .fork, pauseSeconds: 0.009, threads: 3))
        }
        return report
    }

    static func heapPlace(_ fate: HeapPlace.Fate, _ list: HeapPlace.FreeList? = nil) -> HeapPlace {
        HeapPlace(
            start: brk + 16, bytes: 40, type: fate == .free ? nil : "api.Sess\u{1b}ion", fate: fate, freeList: list)
    }
}
