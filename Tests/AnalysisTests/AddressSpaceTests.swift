import Model
import Testing

@testable import Analysis

/// A module of four segments at 0x1000, 0x3000, 0x5000 and 0x7000, as a linker of today lays it out.
private let headers = ModuleHeaders(
    segments: [
        .init(range: AddressRange(0, 0x800), fileEnd: 0x800, fileOffset: 0, permissions: [.read]),
        .init(
            range: AddressRange(0x1000, 0x1a00), fileEnd: 0x1a00, fileOffset: 0x1000, permissions: [.read, .execute]),
        .init(range: AddressRange(0x2000, 0x2100), fileEnd: 0x2100, fileOffset: 0x2000, permissions: [.read]),
        .init(range: AddressRange(0x3e00, 0x6100), fileEnd: 0x4200, fileOffset: 0x2e00, permissions: [.read, .write]),
    ],
    sections: [
        .init(name: ".dynsym", range: AddressRange(0x200, 0x700), isCode: false, isWritable: false, isZeroed: false),
        .init(name: ".text", range: AddressRange(0x1000, 0x1a00), isCode: true, isWritable: false, isZeroed: false),
        .init(name: ".rodata", range: AddressRange(0x2000, 0x2100), isCode: false, isWritable: false, isZeroed: false),
        .init(name: ".got", range: AddressRange(0x3e00, 0x4000), isCode: false, isWritable: true, isZeroed: false),
        .init(name: ".data", range: AddressRange(0x4000, 0x4200), isCode: false, isWritable: true, isZeroed: false),
        .init(name: ".bss", range: AddressRange(0x4200, 0x6100), isCode: false, isWritable: true, isZeroed: true),
    ], relro: AddressRange(0x3e00, 0x4000))

private let base: UInt64 = 0x5555_0000_0000

private func mapping(
    _ lower: UInt64, _ upper: UInt64, _ permissions: Mapping.Permissions, resident: UInt64? = nil, inode: UInt64 = 0,
    _ name: String = ""
) -> MappingUse {
    var item = MappingUse(
        mapping: Mapping(
            range: AddressRange(lower, upper), permissions: permissions, inode: inode, nameBytes: Array(name.utf8)))
    if let resident {
        var use = MemoryUse()
        use.resident = resident
        use.proportional = resident / 2 + 1
        use.privateDirty = resident / 3
        item.use = use
    }
    return item
}

private let identity = ProcessIdentity(pid: 9, startTicks: 1, commandBytes: [])

/// The module loaded at `base`, and the pages of it that are in memory.
private func loaded(pages: [PageRun]?, _ headers: ModuleHeaders? = headers) -> AddressSpaceFacts {
    let file = { (lower: UInt64, upper: UInt64, permissions: Mapping.Permissions, resident: UInt64) in
        mapping(base + lower, base + upper, permissions, resident: resident, inode: 5, "/app/api")
    }
    var facts = AddressSpaceFacts(
        process: identity,
        mappings: [
            file(0, 0x1000, [.read], 0x1000), file(0x1000, 0x2000, [.read, .execute], 0x1000),
            file(0x2000, 0x3000, [.read], 0), file(0x3000, 0x4000, [.read], 0x1000),
            file(0x4000, 0x5000, [.read, .write], 0x1000),
            mapping(base + 0x5000, base + 0x9000, [.read, .write], resident: 0x2000),
        ])
    var module = LoadedModule(
        pathBytes: Array("/app/api".utf8), mappings: [0, 1, 2, 3, 4], bias: base, headers: headers)
    module.isProgram = true
    facts.modules = [module]
    facts.pages = pages
    return facts
}

@Suite("Regions of an address space") struct AddressSpaceTests {
    private static let pages = [
        PageRun(range: AddressRange(base, base + 0x2000), state: [.present, .file]),
        PageRun(range: AddressRange(base + 0x3000, base + 0x6000), state: .present),
        PageRun(range: AddressRange(base + 0x6000, base + 0x7000), state: [.present, .zero]),
        PageRun(range: AddressRange(base + 0x8000, base + 0x9000), state: .present),
    ]

    private func shape(_ space: AddressSpace) -> [String] {
        space.regions.map {
            "\($0.kind) \(String($0.range.lower - base, radix: 16))-\(String($0.range.upper - base, radix: 16)) "
                + "\($0.use?.resident ?? 0)"
        }
    }

    @Test("Cut at the borders of sections, counted by pages") func sections() throws {
        let space = AddressSpace(loaded(pages: Self.pages))
        #expect(
            shape(space) == [
                "rodata 0-1000 4096", "text 1000-2000 4096", "rodata 2000-3000 0", "relro 3000-4000 4096",
                "data 4000-4200 512", "bss 4200-5000 3584", "bss 5000-7000 4096", "anonymous 7000-9000 4096",
            ])
        #expect(space.changedBytes == 0)
        #expect(space.index(at: base + 0x4210).map { space.regions[$0].kind } == .bss)
        let data = try #require(space.regions.first { $0.kind == .data })
        #expect(space.section(at: base + 0x4010, in: data)?.name == ".data")
        #expect(space.neighbours(of: base - 1).above?.range.lower == base)
    }

    @Test("Without section headers the program headers say nearly as much") func segments() {
        var plain = headers
        plain.sections = []
        #expect(
            shape(AddressSpace(loaded(pages: Self.pages, plain))).map { $0.split(separator: " ")[0] }
                == ["rodata", "text", "rodata", "relro", "data", "bss", "bss", "anonymous"])
    }

    @Test("Without headers permissions decide") func noHeaders() {
        let kinds = AddressSpace(loaded(pages: Self.pages, nil)).regions.map(\.kind)
        #expect(kinds == [.rodata, .text, .rodata, .rodata, .data, .bss])
    }

    @Test("Where pages are not known no mapping is split, and the sum still holds") func noPages() {
        let space = AddressSpace(loaded(pages: nil))
        #expect(space.regions.count == 6 && space.changedBytes == 0)
        #expect(space.regions.map(\.mapping) == Array(0..<6))
    }

    @Test("A process that changed between two readings is said to have") func changed() {
        let space = AddressSpace(loaded(pages: Array(Self.pages.dropLast())))
        #expect(space.changedBytes == 4096)
    }

    @Test("Regions cover the mappings exactly whatever the headers say", arguments: 0..<200 as Range<UInt64>)
    func hostileHeaders(seed: UInt64) {
        var random = Seeded(seed)
        func number() -> UInt64 {
            Bool.random(using: &random)
                ? UInt64.random(in: 0...0x9000, using: &random) : .random(in: 0 ... .max, using: &random)
        }
        func range() -> AddressRange { AddressRange(number(), number()) }
        var wild = ModuleHeaders(
            segments: [], relro: range(), threadLocalBytes: number(), threadLocalAlignment: number())
        for _ in 0..<5 {
            let one = range()
            wild.segments.append(
                .init(range: one, fileEnd: number(), fileOffset: number(), permissions: [.read, .write]))
            wild.sections.append(
                .init(
                    name: "x", range: range(), isCode: Bool.random(using: &random),
                    isWritable: Bool.random(using: &random), isZeroed: Bool.random(using: &random)))
        }
        var facts = loaded(pages: Self.pages, wild)
        facts.modules[0].bias = number()
        let space = AddressSpace(facts)
        #expect(space.regions.map(\.range).merged() == facts.mappings.map(\.mapping.range).merged())
        for (left, right) in zip(space.regions, space.regions.dropFirst()) {
            #expect(left.range.upper <= right.range.lower)
        }
        #expect(space.changedBytes == 0)
    }

    @Test("Names tell what has no module") func kinds() {
        let names: [(String, UInt64, Mapping.Permissions, Region.Kind)] = [
            ("[heap]", 0, [.read, .write], .mainHeap), ("[stack]", 0, [.read, .write], .mainStack),
            ("[vdso]", 0, [.read, .execute], .kernel), ("", 0, [], .reserved),
            ("", 0, [.read, .write, .execute], .generatedCode), ("/tmp/x", 3, [.read], .mappedFile),
            ("/dev/shm/x", 3, [.read, .write, .shared], .sharedMemory),
            ("/dev/zero (deleted)", 3, [.read, .shared], .sharedMemory),
            ("/SYSV00000000 (deleted)", 3, [.read, .write, .shared], .sharedMemory),
            ("/dev/dri/card0", 3, [.read, .write, .shared], .device), ("[anon:jit]", 0, [.read, .write], .anonymous),
            ("/memfd:doublemapper (deleted)", 3, [.read, .execute, .shared], .generatedCode),
        ]
        for (name, inode, permissions, kind) in names {
            let facts = AddressSpaceFacts(
                process: identity, mappings: [mapping(0x1000, 0x2000, permissions, inode: inode, name)])
            #expect(AddressSpace(facts).regions.map(\.kind) == [kind], "\(name)")
        }
    }

    @Test("What may be done with libraries is what may be done with any part of them, and no more") func libraries() {
        var facts = loaded(pages: Self.pages)
        facts.modules[0].isProgram = false
        func permissions(_ facts: AddressSpaceFacts) -> [RegionGroup.Subject: Mapping.Permissions] {
            let groups = RegionGroup.all(of: AddressSpace(facts))
            return Dictionary(uniqueKeysWithValues: groups.map { ($0.subject, $0.permissions) })
        }
        // The largest part is of constants, or sealed.
        #expect(permissions(facts)[.libraryCode] == [.read, .execute])
        #expect(permissions(facts)[.libraryData] == [.read, .write])
        let text = facts.mappings[1].mapping
        facts.mappings[1] = mapping(
            text.range.lower, text.range.upper, [.read, .write, .execute], inode: 5, "/app/api")
        #expect(permissions(facts)[.libraryCode] == [.read, .write, .execute])
        #expect(permissions(facts)[.libraryData] == [.read, .write])
    }

    @Test("The kernel's page at the top of all addresses does not lead the list") func order() {
        let facts = AddressSpaceFacts(
            process: identity,
            mappings: [
                mapping(0x7f00_0000_0000, 0x7f00_0000_1000, [.read, .execute], "[vdso]"),
                mapping(0x7ffd_0000_0000, 0x7ffd_0000_1000, [.read, .write], "[stack]"),
                mapping(0xffff_ffff_ff60_0000, 0xffff_ffff_ff60_1000, [.execute], "[vsyscall]"),
            ])
        let groups = RegionGroup.all(of: AddressSpace(facts))
        #expect(groups.map(\.kind) == [.mainStack, .kernel] && groups[1].regions.count == 2)
        #expect(groups[1].permissions == [.read, .execute])
    }

    /// In a container a thread knows itself by another number than those outside.
    @Test("A thread's stack, guard and descriptor, found by shape", arguments: [77, 5] as [Int32])
    func threadStack(ownNumber: Int32) throws {
        let memory = FixtureMemory()
        let stack = AddressRange(0x7f00_0000_0000, 0x7f00_0010_0000)
        memory.map(AddressRange(stack.lower + 0x1000, stack.upper))
        let descriptor = stack.upper - 0x940
        memory.write(descriptor, at: descriptor)
        memory.write(descriptor, at: descriptor + 16)
        memory.write(UInt64(ownNumber), at: descriptor + 0x2d0)
        memory.write(stack.lower, at: descriptor + 0x690)
        memory.write(stack.count, at: descriptor + 0x698)
        var facts = AddressSpaceFacts(
            process: identity,
            mappings: [
                // A reservation that the kernel merged with the guard.
                mapping(stack.lower - 0x8000, stack.lower + 0x1000, []),
                mapping(stack.lower + 0x1000, stack.upper + 0x1000, [.read, .write]),
            ])
        facts.reader = memory
        facts.threads = [.init(tid: 77, ownNumber: ownNumber, nameBytes: Array("worker".utf8), stackPointer: nil)]
        let regions = AddressSpace(facts).regions
        #expect(regions.map(\.kind) == [.reserved, .guardPages, .threadStack, .threadLocal, .anonymous])
        #expect(regions.map(\.thread) == [nil, 77, 77, 77, nil])
        try #require(regions.count == 5)
        #expect(regions[1].range == AddressRange(stack.lower, stack.lower + 0x1000))
        #expect(regions[3].range == AddressRange(descriptor, stack.upper))
    }

    /// Since glibc 2.42 a guard need be no mapping of its own, and stacks lie in one.
    @Test("Guards inside a mapping, and the stacks that glibc keeps of threads that were joined") func innerGuards()
        throws
    {
        let memory = FixtureMemory()
        let stacks = [0, 1].map { AddressRange(0x7f00_0000_0000 + $0 << 20, 0x7f00_0010_0000 + $0 << 20) }
        let variables = AddressRange(0x7f20_0000_0000, 0x7f20_0000_2000)
        let data = AddressRange(0x7f10_0000_0000, 0x7f10_0000_1000)
        for range in [AddressRange(stacks[0].lower, stacks[1].upper), variables, data] { memory.map(range) }
        let worker = stacks[0].upper - 0x940
        let main = variables.lower + 0x740
        let joined = stacks[1].upper - 0x940
        // Three lists side by side: of stacks in use, of others, of those that are kept.
        for (place, descriptor) in [worker, main, joined].enumerated() {
            let head = data.lower + 0x100 + UInt64(place) * 16
            for word: UInt64 in [0, 16] { memory.write(descriptor, at: descriptor + word) }
            for word: UInt64 in [0, 8] {
                memory.write(head, at: descriptor + ThreadDescriptor.listOffset + word)
                memory.write(descriptor + ThreadDescriptor.listOffset, at: head + word)
            }
        }
        for (descriptor, stack) in [(worker, stacks[0]), (joined, stacks[1])] {
            memory.write(stack.lower, at: descriptor + 0x690)
            memory.write(stack.count, at: descriptor + 0x698)
        }
        memory.write(76, at: main + 0x2d0)
        memory.write(77, at: worker + 0x2d0)
        #expect(ThreadDescriptor.lists(main: main, reader: memory).used == [worker])
        #expect(ThreadDescriptor.lists(main: main, reader: memory).kept == [joined])

        var facts = AddressSpaceFacts(
            process: identity,
            mappings: [
                mapping(stacks[0].lower, stacks[1].upper, [.read, .write]),
                mapping(variables.lower, variables.upper, [.read, .write]),
            ])
        facts.reader = memory
        facts.threads = [(76, "main"), (77, "worker")].map {
            .init(tid: $0, ownNumber: $0, nameBytes: Array($1.utf8), stackPointer: nil)
        }
        facts.pages = stacks.map { PageRun(range: AddressRange($0.lower, $0.lower + 0x1000), state: .guarded) }
        let regions = AddressSpace(facts).regions.filter { $0.range.lower < variables.lower }
        #expect(
            regions.map(\.kind) == [.guardPages, .threadStack, .threadLocal, .guardPages, .threadStack, .threadLocal])
        #expect(regions.map(\.thread) == [77, 77, 77, nil, nil, nil])
        #expect(regions.first?.permissions == [] && regions.first?.range.count == 0x1000)

        // What does not lead back is no list.
        memory.write(data.lower + 0x200, at: data.lower + 0x128)
        #expect(ThreadDescriptor.lists(main: main, reader: memory).kept.isEmpty)
    }

    @Test("Shares add up", arguments: 0..<50 as Range<UInt64>) func shares(seed: UInt64) {
        var random = Seeded(seed)
        let weights = (0..<Int.random(in: 1...9, using: &random)).map { _ in
            Bool.random(using: &random) ? 0 : UInt64.random(in: 0...1 << 50, using: &random)
        }
        let amount = UInt64.random(in: 0...1 << 52, using: &random)
        let sum = Share.out(amount, by: weights).reduce(0, +)
        #expect(sum == (weights.allSatisfy { $0 == 0 } ? 0 : amount))
    }
}
