package import Model

/// Regions that people see as one thing: all libraries' code, all thread stacks, one shared object.
package struct RegionGroup: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case program(Region.Kind)
        /// Text and constants, and the holes between segments.
        case libraryCode
        /// Data, relro and bss.
        case libraryData
        /// With their guards and thread-local memory.
        case threadStacks
        /// Thread-local memory that lies in no stack.
        case threadLocal
        /// Every other kind, by the name that the kernel shows where that tells them apart.
        case other(Region.Kind, nameBytes: [UInt8])
    }

    package let subject: Subject
    /// Ascending numbers of regions.
    package private(set) var regions: [Int] = []
    package private(set) var lowest: UInt64 = .max
    package private(set) var highest: UInt64 = 0
    package private(set) var reserved: UInt64 = 0
    /// nil where the kernel does not tell.
    package private(set) var use: Region.Use?
    /// Of the largest region; of libraries what may be done with their code, or their data.
    package private(set) var permissions: Mapping.Permissions = []
    private var largest: UInt64 = 0
    private var hasWritableCode = false

    package var kind: Region.Kind {
        switch subject {
        case .program(let kind), .other(let kind, _): kind
        case .libraryCode: .text
        case .libraryData: .data
        case .threadStacks: .threadStack
        case .threadLocal: .threadLocal
        }
    }

    /// Above it are the kernel's addresses.
    package static let userSpaceEnd: UInt64 = 1 << 63

    private var isOfLibraries: Bool { subject == .libraryCode || subject == .libraryData }

    private init(_ subject: Subject) { self.subject = subject }

    private mutating func add(_ number: Int, _ region: Region) {
        regions.append(number)
        lowest = min(lowest, region.range.lower)
        // The kernel's page above all programs (vsyscall) says nothing of where the others lie.
        if region.range.lower < RegionGroup.userSpaceEnd || highest == 0 {
            highest = max(highest, region.range.upper)
        }
        reserved &+= region.range.count
        if let more = region.use {
            var sum = use ?? Region.Use()
            sum += more
            use = sum
        }
        if isOfLibraries {
            permissions.formUnion(region.permissions.intersection([.read, .write, .execute]))
            if region.isWritableCode { hasWritableCode = true }
            // One that may be written and another that may be run are not one that may be both.
            if !hasWritableCode { permissions.remove(subject == .libraryCode ? .write : .execute) }
            return
        }
        // Guards and holes are no part of what one may do.
        if region.range.count > largest,
            !region.permissions.isDisjoint(with: [.read, .write, .execute]) || largest == 0
        {
            largest = region.range.count
            permissions = region.permissions
        }
    }

    /// Groups from high to low addresses.
    package static func all(of space: AddressSpace) -> [RegionGroup] {
        var groups: [Subject: RegionGroup] = [:]
        for (number, region) in space.regions.enumerated() {
            let subject = subject(of: region, in: space)
            groups[subject, default: RegionGroup(subject)].add(number, region)
        }
        return groups.values.sorted { ($0.highest, $0.lowest) > ($1.highest, $1.lowest) }
    }

    private static func subject(of region: Region, in space: AddressSpace) -> Subject {
        switch region.kind {
        case .text, .rodata, .relro, .data, .bss:
            if let module = region.module, space.facts.modules[module].isProgram { return .program(region.kind) }
            return region.kind == .text || region.kind == .rodata ? .libraryCode : .libraryData
        // The hole between two segments of a library.
        case .reserved where region.module.map { !space.facts.modules[$0].isProgram } ?? false: return .libraryCode
        case .threadStack, .guardPages: return .threadStacks
        case .threadLocal: return region.thread == space.facts.process.pid ? .threadLocal : .threadStacks
        case .sharedMemory, .anonymous, .generatedCode:
            return .other(region.kind, nameBytes: space.facts.mappings[region.mapping].mapping.nameBytes)
        default: return .other(region.kind, nameBytes: [])
        }
    }
}

/// What grew between two looks at one address space.
package struct AddressSpaceGrowth: Sendable {
    package struct Grown: Hashable, Sendable {
        /// As it is now.
        package let group: RegionGroup
        package let residentBefore: UInt64
        package let reservedBefore: UInt64

        package var residentBytes: Int64 {
            Int64(truncatingIfNeeded: (group.use?.resident ?? 0) &- residentBefore)
        }
        package var reservedBytes: Int64 { Int64(truncatingIfNeeded: group.reserved &- reservedBefore) }
    }

    /// Less is what any program at work gains and gives back.
    package static let leastBytes: UInt64 = 64 << 10

    package let seconds: Double
    /// Of all regions.
    package let residentBefore: UInt64?
    /// Most resident bytes gained first.
    package let grown: [Grown]

    package init(from first: AddressSpace, to second: AddressSpace, seconds: Double) {
        self.seconds = seconds
        residentBefore = first.total?.resident
        let before = Dictionary(uniqueKeysWithValues: RegionGroup.all(of: first).map { ($0.subject, $0) })
        grown = RegionGroup.all(of: second).map { group in
            Grown(
                group: group, residentBefore: before[group.subject]?.use?.resident ?? 0,
                reservedBefore: before[group.subject]?.reserved ?? 0)
        }
        .filter { $0.residentBytes >= Int64(AddressSpaceGrowth.leastBytes) }
        .sorted { $0.residentBytes > $1.residentBytes }
    }
}
