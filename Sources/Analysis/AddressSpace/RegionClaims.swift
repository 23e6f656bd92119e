import Model

/// What parts of the address space are known to be, before mappings are cut along them.
struct RegionClaims {
    struct Claim {
        var range: AddressRange
        let kind: Region.Kind
        var module: Int?
        var thread: Int32?
    }

    let facts: AddressSpaceFacts
    /// For each mapping the module whose file it maps.
    private(set) var moduleOfMapping: [Int?]
    private(set) var gaps: [Gap] = []
    /// Ascending, without overlaps.
    private(set) var sorted: [Claim] = []

    /// An anonymous mapping behind a module whose headers are not known counts as its zeroed variables up to here.
    private static let plainBssLimit: UInt64 = 1 << 20

    init(_ facts: AddressSpaceFacts) {
        self.facts = facts
        moduleOfMapping = Array(repeating: nil, count: facts.mappings.count)
        for (number, module) in facts.modules.enumerated() {
            for mapping in module.mappings where moduleOfMapping.indices.contains(mapping) {
                moduleOfMapping[mapping] = number
            }
        }
    }

    /// In the order of how sure they are: what overlaps an earlier one gives way.
    mutating func findAll() {
        for (number, module) in facts.modules.enumerated() { add(moduleParts(number, module)) }
        add(ThreadAreas(facts: facts).find(hiding: sorted.map(\.range)))
        let heap = HeapAreas(facts: facts, taken: sorted.map(\.range).merged()).find()
        add(heap.claims)
        gaps += heap.gaps
    }

    private func moduleParts(_ number: Int, _ module: LoadedModule) -> [Claim] {
        if let headers = module.headers {
            return ModuleParts(headers, bias: module.bias).parts.map {
                Claim(range: $0.range, kind: $0.kind, module: number)
            }
        }
        guard let last = module.mappings.last, last + 1 < facts.mappings.count else { return [] }
        let (data, next) = (facts.mappings[last].mapping, facts.mappings[last + 1].mapping)
        guard data.permissions.contains(.write), next.isAnonymous, !next.isHeap, next.permissions == [.read, .write],
            next.range.lower == data.range.upper, next.range.count <= RegionClaims.plainBssLimit
        else { return [] }
        return [Claim(range: next.range, kind: .bss, module: number)]
    }

    private mutating func add(_ claims: [Claim]) {
        guard !claims.isEmpty else { return }
        let taken = sorted
        var next = 0
        var result: [Claim] = []
        var end: UInt64 = 0
        for claim in claims.sorted(by: { $0.range.lower < $1.range.lower }) {
            var lower = max(claim.range.lower, end)
            while next < taken.count, taken[next].range.upper <= lower { next += 1 }
            var index = next
            while index < taken.count, taken[index].range.lower < claim.range.upper {
                if taken[index].range.lower > lower {
                    result.append(claim.within(AddressRange(lower, taken[index].range.lower)))
                }
                lower = max(lower, taken[index].range.upper)
                index += 1
            }
            if lower < claim.range.upper { result.append(claim.within(AddressRange(lower, claim.range.upper))) }
            end = max(end, claim.range.upper)
        }
        sorted = (taken + result).sorted { $0.range.lower < $1.range.lower }
    }
}

extension RegionClaims.Claim {
    fileprivate func within(_ range: AddressRange) -> Self {
        var result = self
        result.range = range
        return result
    }
}
