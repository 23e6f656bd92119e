import Model

/// Finds which parts of thread stacks are dead: below the stack pointer, or of a thread that has finished.
///
/// Only what is *proved* to be dead stack is left out of the roots. A region that merely looks like one stays a root: that
/// can hide a leak, the other mistake would invent one.
struct StackFinder {
    let image: MemoryImage

    struct Stacks {
        /// Memory that holds no living word, ascending, merged.
        var dead: [AddressRange] = []
        /// The parts that are in use, ascending, merged.
        var live: [AddressRange] = []
        /// Blocks that hang from the descriptor of a finished thread whose stack is kept: its thread vector (dtv).
        var threadVectors: [UInt64] = []

        /// Whether a part of `range` is in use.
        func isLive(_ range: AddressRange) -> Bool {
            let next = live.partitioningIndex { $0.upper > range.lower }
            return next < live.count && live[next].overlaps(range)
        }
    }

    private static let redZone: UInt64 = 128
    /// How much of a kept stack's end is searched for its thread descriptor: static TLS lies behind it.
    private static let descriptorSearch: UInt64 = 256 << 10

    func find() -> Stacks {
        var stacks = Stacks()
        let living = Set(image.threads.map(\.threadPointer))
        let pointers = image.threads.map(\.stackPointer).sorted()
        for thread in image.threads { add(thread, to: &stacks) }
        let main = image.threads.first { $0.tid == image.process.pid }?.threadPointer
        let lists = main.map { ThreadDescriptor.lists(main: $0, reader: image.reader) } ?? ThreadDescriptor.Lists()
        var ended = Set(lists.kept)
        for descriptor in lists.kept {
            guard let mapping = image.mapping(at: descriptor), isStackLike(mapping),
                let stack = ThreadDescriptor.stack(of: descriptor, below: descriptor, reader: image.reader)
            else { continue }
            stacks.dead.append(mapping.range.intersection(stack))
        }
        for (index, mapping) in image.mappings.enumerated() where index > 0 {
            let below = image.mappings[index - 1]
            guard isStackLike(mapping), isGuard(below, of: mapping),
                !StackFinder.isAny(of: pointers, in: mapping.range),
                let descriptor = descriptor(in: mapping.range, living: living)
            else { continue }
            // Before it is joined, a thread's result stands in its descriptor; before it runs, what it begins with.
            let used = AddressRange(descriptor, descriptor + ThreadDescriptor.bytes)
            let isDead = ended.contains(descriptor) || ThreadDescriptor.isJoined(descriptor, image.reader)
            stacks.dead += isDead ? [mapping.range] : [mapping.range].subtracting([used])
            ended.insert(descriptor)
        }
        // Those that are still to be joined have one too.
        ended.formUnion(Set(lists.used).subtracting(living))
        stacks.threadVectors = ended.sorted().compactMap { image.reader.word(at: $0 &+ 8) }.map { $0 &- 16 }
        stacks.live = stacks.live.merged()
        stacks.dead = stacks.dead.merged().subtracting(stacks.live)
        return stacks
    }

    private func add(_ thread: ThreadState, to stacks: inout Stacks) {
        guard let mapping = image.mapping(at: thread.stackPointer) else { return }
        let bottom = max((thread.stackPointer &- StackFinder.redZone) & ~7, mapping.range.lower)
        if mapping.isMainStack {
            stacks.live.append(AddressRange(bottom, mapping.range.upper))
            stacks.dead.append(AddressRange(mapping.range.lower, bottom))
        } else if let bounds = bounds(of: thread), mapping.range.contains(bounds) {
            stacks.live.append(AddressRange(bottom, bounds.upper))
            stacks.dead.append(AddressRange(bounds.lower, bottom))
        } else if isStackLike(mapping), mapping.range.contains(thread.threadPointer),
            thread.threadPointer > thread.stackPointer,
            let below = self.mapping(below: mapping), isGuard(below, of: mapping)
        {
            stacks.live.append(AddressRange(bottom, mapping.range.upper))
            stacks.dead.append(AddressRange(mapping.range.lower, bottom))
        }
    }

    private func mapping(below mapping: Mapping) -> Mapping? {
        let next = image.mappings.partitioningIndex { $0.range.upper > mapping.range.lower }
        return next > 0 ? image.mappings[next - 1] : nil
    }

    /// Whether one of `addresses`, which are ascending, lies in `range`.
    private static func isAny(of addresses: [UInt64], in range: AddressRange) -> Bool {
        let next = addresses.partitioningIndex { $0 >= range.lower }
        return next < addresses.count && range.contains(addresses[next])
    }

    /// The part of the stack that its thread's descriptor states and that is mapped.
    private func bounds(of thread: ThreadState) -> AddressRange? {
        let base = thread.threadPointer
        guard base > thread.stackPointer,
            let stack = ThreadDescriptor.stack(of: base, below: thread.stackPointer, reader: image.reader)
        else { return nil }
        // The guard at the lower end has no right to be read and is a mapping of its own.
        let mapped = image.mapping(at: thread.stackPointer)?.range.lower ?? stack.lower
        return AddressRange(max(stack.lower, mapped), stack.upper)
    }

    private func isStackLike(_ mapping: Mapping) -> Bool {
        mapping.isAnonymous && !mapping.isHeap && mapping.permissions == [.read, .write]
    }

    private func isGuard(_ below: Mapping, of mapping: Mapping) -> Bool {
        below.range.upper == mapping.range.lower && below.isAnonymous
            && below.permissions.isDisjoint(with: [.read, .write, .execute])
    }

    /// Address of a `struct pthread` of no living thread at the end of `range`: its first and third word point to itself
    /// (`tcb` and `self` of tcbhead_t).
    private func descriptor(in range: AddressRange, living: Set<UInt64>) -> UInt64? {
        let lower = max(range.lower, range.upper - min(StackFinder.descriptorSearch, range.count))
        var words = [UInt64](repeating: 0, count: Int(range.upper - lower) / 8)
        let got = words.withUnsafeMutableBytes { image.reader.read(at: lower, into: $0) } / 8
        guard got > 2 else { return nil }
        // From the end: old copies of the words may lie deeper in the stack.
        for index in stride(from: (got - 3) & ~7, through: 0, by: -8) {
            let address = lower + UInt64(index * 8)
            guard words[index] == address, words[index + 2] == address else { continue }
            return living.contains(address) ? nil : address
        }
        return nil
    }
}
