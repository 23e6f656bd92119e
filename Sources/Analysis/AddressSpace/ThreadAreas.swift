import Model

/// Finds the stacks of threads, their guards, and thread-local memory, without stopping anybody.
struct ThreadAreas {
    let facts: AddressSpaceFacts

    /// A mapping's end in which a descriptor is looked for: it lies at the upper end of its stack.
    private static let searchBytes: UInt64 = 16 << 10
    /// The main thread's descriptor lies in a small mapping that the loader made.
    private static let smallBytes: UInt64 = 256 << 10
    private static let descriptorLimit = 1 << 17
    /// Guards are a page as a rule; a larger mapping that nobody may touch is a reservation.
    private static let guardLimit: UInt64 = 1 << 20
    /// A kept list of threads is followed through this many nodes that are none.
    private static let foreignNodes = 8

    /// - Parameter hiding: ascending, without overlaps: what is known to be something else.
    func find(hiding: [AddressRange]) -> [RegionClaims.Claim] {
        var claims: [RegionClaims.Claim] = []
        var placed: Set<Int32> = []
        for descriptor in descriptors() {
            if let thread = descriptor.thread { placed.insert(thread) }
            claims += self.claims(of: descriptor)
        }
        for thread in facts.threads where !placed.contains(thread.tid) { claims += plainStack(of: thread) }
        return claims
    }

    // MARK: - Descriptors

    private func descriptors() -> [ThreadDescriptor] {
        guard let reader = facts.reader else { return [] }
        let threads = Dictionary(facts.threads.map { ($0.ownNumber, $0.tid) }) { one, _ in one }
        var found: [UInt64: ThreadDescriptor] = [:]
        for item in facts.mappings where isMemory(item.mapping) && (item.use.map { $0.anonymous > 0 } ?? true) {
            let range = item.mapping.range
            let bytes = range.count <= ThreadAreas.smallBytes ? range.count : ThreadAreas.searchBytes
            search(AddressRange(range.upper - bytes, range.upper), reader, threads, &found)
            if found.count >= ThreadAreas.descriptorLimit { break }
        }
        follow(&found, reader, threads)
        let main = found.values.filter { $0.stack == nil }.map(\.address).min()
        let lists = main.map { ThreadDescriptor.lists(main: $0, reader: reader) } ?? ThreadDescriptor.Lists()
        for address in lists.used + lists.kept where found[address] == nil {
            found[address] = ThreadDescriptor(at: address, reader: reader, threads: threads)
        }
        return found.values.sorted { $0.address < $1.address }
    }

    private func search(
        _ range: AddressRange, _ reader: any MemoryReader, _ threads: [Int32: Int32],
        _ found: inout [UInt64: ThreadDescriptor]
    ) {
        for part in reader.populated(in: range) {
            let start = (part.lower + ThreadDescriptor.alignment - 1) & ~(ThreadDescriptor.alignment - 1)
            guard start < part.upper else { continue }
            var words = [UInt64](repeating: 0, count: Int(part.upper - start) / 8)
            let got = words.withUnsafeMutableBytes { reader.read(at: start, into: $0) } / 8
            for index in stride(from: 0, to: got - 2, by: Int(ThreadDescriptor.alignment / 8)) {
                let address = start + UInt64(index * 8)
                guard words[index] == address, words[index + 2] == address,
                    let descriptor = ThreadDescriptor(at: address, reader: reader, threads: threads)
                else { continue }
                found[address] = descriptor
            }
        }
    }

    /// glibc keeps all descriptors in two rings (since 2.34): one of them leads to those whose stack the kernel shows as a
    /// part of something larger.
    private func follow(
        _ found: inout [UInt64: ThreadDescriptor], _ reader: any MemoryReader, _ threads: [Int32: Int32]
    ) {
        for first in found.keys.sorted() {
            var at = first
            var foreign = 0
            var steps = 0
            while steps < ThreadAreas.descriptorLimit, foreign < ThreadAreas.foreignNodes,
                let next = reader.word(at: at &+ ThreadDescriptor.listOffset)
            {
                steps += 1
                at = next &- ThreadDescriptor.listOffset
                // Back at the start, or in a ring that was followed already.
                if found[at] != nil { break }
                if let descriptor = ThreadDescriptor(at: at, reader: reader, threads: threads) {
                    found[at] = descriptor
                } else {
                    foreign += 1
                }
            }
        }
    }

    // MARK: - What they claim

    private func claims(of descriptor: ThreadDescriptor) -> [RegionClaims.Claim] {
        guard let number = facts.mappings.index(at: descriptor.address) else { return [] }
        let mapping = facts.mappings[number].mapping
        // A static program's main thread has its descriptor in the heap.
        guard isMemory(mapping) else { return [] }
        let variables = staticBytes
        let lower =
            (descriptor.address >= variables ? descriptor.address - variables : 0) & ~(ThreadDescriptor.alignment - 1)
        guard let stack = descriptor.stack else {
            let end = (descriptor.address + ThreadDescriptor.bytes + 4095) & ~4095
            let range = AddressRange(lower & ~4095, end).intersection(mapping.range)
            return [claim(range, .threadLocal, descriptor.thread)]
        }
        var result: [RegionClaims.Claim] = []
        let guarded = guardedPages(from: stack.lower)
        if !guarded.isEmpty { result.append(claim(guarded, .guardPages, descriptor.thread)) }
        let bottom = max(guarded.isEmpty ? stack.lower : guarded.upper, mapping.range.lower)
        let top = min(stack.upper, mapping.range.upper)
        let border = min(max(lower, bottom), top)
        if bottom < border { result.append(claim(AddressRange(bottom, border), .threadStack, descriptor.thread)) }
        if border < top { result.append(claim(AddressRange(border, top), .threadLocal, descriptor.thread)) }
        if guarded.isEmpty, stack.lower < bottom, number > 0, facts.mappings[number - 1].mapping.range.upper == bottom,
            isForbidden(facts.mappings[number - 1].mapping)
        {
            let start = max(stack.lower, facts.mappings[number - 1].mapping.range.lower)
            result.append(claim(AddressRange(start, bottom), .guardPages, descriptor.thread))
        }
        return result
    }

    /// The guard at the lower end of a stack that is no mapping of its own (glibc 2.42 and later on Linux 6.13 and later); empty
    /// where there is none or the kernel does not tell it.
    private func guardedPages(from start: UInt64) -> AddressRange {
        guard let pages = facts.pages, let number = pages.index(at: start), pages[number].state.contains(.guarded)
        else {
            return AddressRange(start, start)
        }
        return AddressRange(start, pages[number].range.upper)
    }

    /// Where no descriptor is known: the mapping that the thread's stack pointer lies in, if a guard is below it.
    private func plainStack(of thread: AddressSpaceFacts.Thread) -> [RegionClaims.Claim] {
        guard let pointer = thread.stackPointer, let number = facts.mappings.index(at: pointer), number > 0,
            isMemory(facts.mappings[number].mapping)
        else { return [] }
        let range = facts.mappings[number].mapping.range
        let below = facts.mappings[number - 1].mapping
        guard below.range.upper == range.lower, isForbidden(below) else { return [] }
        var result = [claim(range, .threadStack, thread.tid)]
        if below.range.count <= ThreadAreas.guardLimit { result.append(claim(below.range, .guardPages, thread.tid)) }
        return result
    }

    private func claim(_ range: AddressRange, _ kind: Region.Kind, _ thread: Int32?) -> RegionClaims.Claim {
        RegionClaims.Claim(range: range, kind: kind, module: nil, thread: thread)
    }

    /// What the modules' thread-local variables take below a descriptor.
    private var staticBytes: UInt64 {
        facts.modules.reduce(0) { sum, module in
            guard let headers = module.headers, headers.threadLocalBytes < 1 << 30,
                headers.threadLocalAlignment <= 1 << 16
            else { return sum }
            let alignment = max(headers.threadLocalAlignment, 1)
            return (sum + headers.threadLocalBytes + alignment - 1) / alignment * alignment
        }
    }

    private func isMemory(_ mapping: Mapping) -> Bool {
        mapping.isAnonymous && !mapping.isHeap && !mapping.isMainStack
            && mapping.permissions.isSuperset(of: [.read, .write])
    }

    private func isForbidden(_ mapping: Mapping) -> Bool {
        mapping.isAnonymous && mapping.permissions.isDisjoint(with: [.read, .write, .execute])
    }
}
