import Model

/// What kind of place a root word lies in. The names appear in the output.
package enum RootKind: String, BitwiseCopyable, Sendable {
    case register
    case stack
    /// data, bss or RELRO of a module.
    case data
    /// Anonymous memory that is no heap: thread-local storage, allocators of the program's own, …
    case anonymous
    case shared
    /// A pointer that only the kernel holds: an epoll's, a timer's, that of a signal which waits to be delivered,
    /// one that lies in a pipe.
    case kernel
    /// The thread vector of a finished thread, whose stack glibc keeps for the next one.
    case threadVector
    /// A part of the heap that could not be walked.
    case torn

    /// Whether it says only what a thread is at, or was: a stack keeps words that no variable is any more.
    var isOfThread: Bool { self == .register || self == .stack }
}

/// Memory whose words are roots.
struct RootRegion: Hashable {
    let range: AddressRange
    let kind: RootKind
    /// Distance between two words that are looked at: 8, or 1 in code, where pointers stand at any offset.
    let stride: Int
}

/// Everything from which a program can reach its blocks.
struct Roots {
    /// Ascending by address, without overlaps.
    var regions: [RootRegion]
    /// Single words: registers, kernel-held pointers, thread vectors.
    var words: [(word: UInt64, kind: RootKind)]
    /// Words that may be addresses of chunk *headers*: a thread is inside malloc or free and holds a block that is on no
    /// list and in no variable. They keep that block alive, so that nothing in motion is called lost.
    var chunkWords: [UInt64]
    var gaps: [Gap]
}

/// Finds the roots of an image, given what belongs to its allocator.
struct RootFinder {
    let image: MemoryImage
    let heap: HeapScan

    /// Below the stack pointer leaf functions may use 128 bytes (System V ABI, x86-64: the red zone).
    private static let redZone: UInt64 = 128
    /// How much of the stack's end is looked at for a block that malloc has in its hands.
    private static let mallocFrames: UInt64 = 1024

    func find() -> Roots {
        let stacks = StackFinder(image: image).find()
        var gaps: [Gap] = []
        var regions: [RootRegion] = []
        let notRoots = (heap.managed + heap.structures + stacks.dead).merged()
        let relro = relroMappings()
        let modules = Set(image.mappings.filter { $0.permissions.contains(.execute) }.compactMap(\.file))

        for mapping in image.mappings where mapping.permissions.contains(.read) && !mapping.isKernelProvided {
            guard let (kind, stride) = kind(of: mapping, relro: relro, gaps: &gaps) else { continue }
            // Pages of a module that were never written are older than any block: what looks like an address in them (pairs
            // of numbers in a table) is none. Other files may have been written by the program itself, before it mapped them.
            let isModule = mapping.file.map(modules.contains) ?? false
            let parts = isModule ? image.reader.written(in: mapping.range) : [mapping.range]
            for range in parts.subtracting(notRoots) {
                let isStack = stacks.isLive(range)
                regions.append(RootRegion(range: range, kind: isStack ? .stack : kind, stride: stride))
            }
        }
        for part in heap.torn where !part.range.isEmpty {
            for index in regions.indices where part.range.contains(regions[index].range) {
                regions[index] = RootRegion(range: regions[index].range, kind: .torn, stride: 8)
            }
        }

        var words: [(UInt64, RootKind)] = []
        for thread in image.threads {
            // Most of a thread's vector registers are 0, and there may be thousands of threads.
            for word in thread.generalRegisters where word != 0 { words.append((word, .register)) }
            for word in thread.vectorState.words where word != 0 { words.append((word, .register)) }
            // `fs_base + 8` is dtv + 16 (glibc nptl/descr.h, tcbhead_t): the block starts one entry earlier.
            if thread.threadPointer != 0, let vector = image.reader.word(at: thread.threadPointer &+ 8) {
                words.append((vector &- 16, .threadVector))
            }
        }
        words += stacks.threadVectors.map { ($0, .threadVector) }
        words += image.kernelHeldWords.map { ($0, .kernel) }
        regions += stacksInsideBlocks(stacks)
        return Roots(regions: regions, words: words, chunkWords: wordsInsideMalloc(), gaps: gaps)
    }

    /// What a mapping is as a root; nil when it is none.
    private func kind(of mapping: Mapping, relro: Set<AddressRange>, gaps: inout [Gap]) -> (RootKind, Int)? {
        let permissions = mapping.permissions
        if permissions.contains(.shared) {
            // A file that this process only reads holds no pointers of its own; memory that it can share with itself may.
            guard permissions.contains(.write) || mapping.isSharedMemory else { return nil }
            if mapping.isDevice {
                gaps.append(
                    Gap(
                        what: "\(Units.bytes(mapping.range.count)) of device memory (\(mapping.name))",
                        reason: "reading it could disturb the device"))
                return nil
            }
            return (.shared, 8)
        }
        if mapping.isFileBacked {
            if permissions.contains(.write) { return (.data, permissions.contains(.execute) ? 1 : 8) }
            return relro.contains(mapping.range) ? (.data, 8) : nil
        }
        if permissions.contains(.execute) {
            gaps.append(
                Gap(
                    what: "\(Units.bytes(mapping.range.count)) of generated code at \(Address(mapping.range.lower))",
                    reason: "pointers inside machine code can be encoded in ways that are not recognised"))
            return (.anonymous, 1)
        }
        return (.anonymous, 8)
    }

    /// The part of each module that was writable until relocation was done: the last read-only mapping before its data.
    private func relroMappings() -> Set<AddressRange> {
        var result: Set<AddressRange> = []
        for (index, mapping) in image.mappings.enumerated()
        where mapping.isFileBacked && mapping.permissions == [.read] && mapping.fileOffset != 0 {
            let next = index + 1 < image.mappings.count ? image.mappings[index + 1] : nil
            let sameFileFollows =
                next.map { $0.inode == mapping.inode && $0.deviceMinor == mapping.deviceMinor } ?? false
            if !sameFileFollows || next?.permissions.contains(.write) == true { result.insert(mapping.range) }
        }
        return result
    }

    /// A thread whose stack is a block (pthread_attr_setstack, a coroutine): the block's live part is a root.
    private func stacksInsideBlocks(_ stacks: StackFinder.Stacks) -> [RootRegion] {
        image.threads.compactMap { thread in
            let bottom = thread.stackPointer &- RootFinder.redZone
            let found = heap.index.find(thread.stackPointer)
            guard found >= 0 else { return nil }
            let id = BlockIndex.id(found)
            let end = heap.index.start(id) + heap.index.usable(id)
            let start = max(bottom & ~7, heap.index.start(id))
            return RootRegion(range: AddressRange(start, end), kind: .stack, stride: 8)
        }
    }

    /// Registers and the last frames of threads that run (not: wait in the kernel) inside the module that has malloc.
    private func wordsInsideMalloc() -> [UInt64] {
        var words: [UInt64] = []
        for thread in image.threads {
            guard let mapping = image.mapping(at: thread.instructionPointer), mapping.inode == heap.home.inode,
                mapping.deviceMinor == heap.home.deviceMinor, !isInSystemCall(thread)
            else { continue }
            words += thread.generalRegisters
            let bottom = (thread.stackPointer &- RootFinder.redZone) & ~7
            words += image.reader.words(at: bottom, count: Int(RootFinder.mallocFrames / 8)) ?? []
        }
        return words
    }

    /// Whether the instruction before the thread's next one is `syscall` (0f 05).
    private func isInSystemCall(_ thread: ThreadState) -> Bool {
        image.reader.bytes(at: thread.instructionPointer &- 2, count: 2) == [0x0f, 0x05]
    }
}

extension Mapping {
    /// Shared memory without a file on a disk: memfd_create, shm_open, System V, anonymous.
    var isSharedMemory: Bool {
        let path = name
        return ["/memfd:", "/dev/shm/", "/dev/zero", "/SYSV"].contains { path.hasPrefix($0) }
    }

    /// Memory of a device. Shared memory has device paths too and is none.
    var isDevice: Bool {
        let path = name
        return path.hasPrefix("/dev/") && !path.hasPrefix("/dev/shm/") && !path.hasPrefix("/dev/zero")
            && !path.hasPrefix("/dev/hugepages")
    }
}

extension [UInt8] {
    /// Consecutive 64-bit words; an incomplete last one is left out.
    var words: [UInt64] {
        withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        }
    }
}
