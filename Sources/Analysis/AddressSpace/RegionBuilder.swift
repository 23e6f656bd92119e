import Model

/// Cuts mappings along the claims and counts what lies in each part.
struct RegionBuilder {
    let facts: AddressSpaceFacts
    /// Ascending, without overlaps.
    let claims: [RegionClaims.Claim]
    /// For each mapping the module whose file it maps.
    let modules: [Int?]

    func build() -> [Region] {
        var result: [Region] = []
        result.reserveCapacity(facts.mappings.count + claims.count)
        var counts = PageCounts(facts.pages ?? [])
        var next = 0
        for (number, item) in facts.mappings.enumerated() {
            let range = item.mapping.range
            while next < claims.count, claims[next].range.upper <= range.lower { next += 1 }
            var end = next
            while end < claims.count, claims[end].range.lower < range.upper { end += 1 }
            var parts = cut(number, claims[next..<end])
            if parts.count > 1, item.use != nil, facts.pages == nil { parts = [whole(parts)] }
            count(&parts, item, &counts)
            result += parts
        }
        return result
    }

    /// The parts of one mapping, neighbours of one meaning joined.
    private func cut(_ number: Int, _ claims: ArraySlice<RegionClaims.Claim>) -> [Region] {
        let mapping = facts.mappings[number].mapping
        let rest = plain(number)
        var result: [Region] = []
        func add(_ range: AddressRange, _ kind: Region.Kind, _ module: Int?, _ thread: Int32?) {
            guard !range.isEmpty else { return }
            if let last = result.last, last.kind == kind, last.module == module, last.thread == thread,
                last.range.upper == range.lower, kind != .mappedBlock
            {
                result.removeLast()
                add(AddressRange(last.range.lower, range.upper), kind, module, thread)
                return
            }
            // A guard inside a mapping may not be touched, whatever the mapping's rights.
            let rights = kind == .guardPages ? mapping.permissions.subtracting([.read, .write]) : mapping.permissions
            result.append(
                Region(range: range, kind: kind, mapping: number, permissions: rights, module: module, thread: thread))
        }
        var at = mapping.range.lower
        for claim in claims where holds(claim, number) {
            let range = claim.range.intersection(mapping.range)
            add(AddressRange(at, range.lower), rest, modules[number], nil)
            // What an arena has reserved and not begun to use may not be touched yet; a module's hole is none of its parts.
            let isHole = mapping.permissions.isDisjoint(with: [.read, .write, .execute]) && claim.module != nil
            add(range, isHole ? .reserved : claim.kind, claim.module, claim.thread)
            at = range.upper
        }
        add(AddressRange(at, mapping.range.upper), rest, modules[number], nil)
        return result
    }

    private func holds(_ claim: RegionClaims.Claim, _ number: Int) -> Bool {
        let mapping = facts.mappings[number].mapping
        if let module = claim.module, modules[number] == module { return true }
        guard mapping.isAnonymous, !mapping.isMainStack else { return false }
        if claim.module != nil { return claim.kind == .bss && !mapping.isHeap }
        return !mapping.isHeap || claim.kind == .mainHeap
    }

    /// What a mapping is where no claim says more.
    private func plain(_ number: Int) -> Region.Kind {
        let item = facts.mappings[number]
        let mapping = item.mapping
        if mapping.isKernelProvided || mapping.nameBytes.starts(with: "[uprobes]".utf8) { return .kernel }
        if mapping.isMainStack || mapping.nameBytes.starts(with: "[stack".utf8) { return .mainStack }
        if mapping.isHeap { return .mainHeap }
        let isForbidden = mapping.permissions.isDisjoint(with: [.read, .write, .execute])
        if modules[number] != nil {
            if isForbidden { return .reserved }
            if mapping.permissions.contains(.execute) { return .text }
            return mapping.permissions.contains(.write) ? .data : .rodata
        }
        if let object = RegionBuilder.object(of: item, isCore: facts.source.isCore) { return object }
        if isForbidden { return .reserved }
        if mapping.isFileBacked, !mapping.nameBytes.starts(with: "/anon_hugepage".utf8) { return .mappedFile }
        return mapping.permissions.contains(.execute) ? .generatedCode : .anonymous
    }

    /// What the kernel keeps as a file and is none to people.
    private static func object(of item: MappingUse, isCore: Bool) -> Region.Kind? {
        let mapping = item.mapping
        guard mapping.isFileBacked || mapping.permissions.contains(.shared) else { return nil }
        let name = mapping.nameBytes
        // A core does not say what was shared; the names of these leave little doubt.
        let isShared = isCore || mapping.permissions.contains(.shared)
        func starts(_ prefix: String) -> Bool { name.starts(with: prefix.utf8) }
        if starts("/memfd:"), mapping.permissions.contains(.execute) { return .generatedCode }
        if starts("/dev/shm/") || starts("/memfd:") || starts("/SYSV") || starts("/dev/zero") || starts("[anon_shmem") {
            return isShared ? .sharedMemory : .mappedFile
        }
        if item.flags.contains(.device) || starts("/dev/") || starts("anon_inode:") || starts("socket:") {
            return .device
        }
        if starts("/anon_hugepage"), isShared { return .sharedMemory }
        return nil
    }

    /// All of a mapping under the meaning of its largest part: without the pages nothing says where its bytes lie.
    private func whole(_ parts: [Region]) -> Region {
        let largest = parts.max { $0.range.count < $1.range.count } ?? parts[0]
        return Region(
            range: AddressRange(parts[0].range.lower, parts[parts.count - 1].range.upper), kind: largest.kind,
            mapping: largest.mapping, permissions: largest.permissions, module: largest.module, thread: largest.thread)
    }

    // MARK: - Counting

    private func count(_ parts: inout [Region], _ item: MappingUse, _ counts: inout PageCounts) {
        guard let use = item.use else { return }
        guard parts.count > 1 else {
            parts[0].use = Region.Use(use)
            return
        }
        var found: [PageCounts.Count] = []
        for part in parts { found.append(counts.count(in: part.range)) }
        // Pages of hugetlbfs are in no resident set.
        if item.flags.contains(.hugeTable) { found = parts.map { _ in PageCounts.Count() } }
        // Who writes makes pages anonymous in a private mapping; elsewhere any page may be dirty.
        let anonymous = found.map(\.anonymous)
        let resident = found.map(\.resident)
        let dirty = Share.out(use.dirty, by: anonymous.contains { $0 > 0 } ? anonymous : resident)
        let proportional = Share.out(use.proportional, by: resident)
        for index in parts.indices {
            var part = Region.Use()
            part.resident = found[index].resident
            part.anonymous = found[index].anonymous
            // Linux 6.13 and 6.14 show guards as swapped here, and not in smaps.
            part.swapped = use.swapped == 0 ? 0 : found[index].swapped
            part.dirty = dirty[index]
            part.proportional = proportional[index]
            part.isApportioned = true
            parts[index].use = part
        }
    }
}

/// Shares a number out by weights so that the shares add up to it.
enum Share {
    static func out(_ amount: UInt64, by weights: [UInt64]) -> [UInt64] {
        let sum = weights.reduce(0, &+)
        guard sum > 0 else { return weights.map { _ in 0 } }
        var left = amount
        var weightLeft = sum
        return weights.map { weight in
            guard weightLeft > 0 else { return 0 }
            let (high, low) = left.multipliedFullWidth(by: weight)
            // weight <= weightLeft, so the quotient is at most what is left.
            let share = weightLeft.dividingFullWidth((high, low)).quotient
            left -= share
            weightLeft -= weight
            return share
        }
    }
}
