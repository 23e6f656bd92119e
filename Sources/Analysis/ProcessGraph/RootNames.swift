import Model

/// Says what a root is in a person's terms: which thread's stack, which module's data.
struct RootNames {
    let image: MemoryImage
    let stacks: CallStacks

    /// Static thread-local storage lies below a thread's control block, the descriptor above it.
    private static let threadLocalBytes: UInt64 = 64 << 10
    private static let descriptorBytes: UInt64 = 4096
    private static let largestBss: UInt64 = 1 << 20

    /// - Parameter word: the root word itself.
    func place(of edge: RootEdge, word: UInt64) -> RootPlace {
        guard edge.address != 0 else {
            let thread = edge.kind == .register ? image.threads.first { $0.holds(word) } : nil
            return RootPlace(
                kind: edge.kind, address: nil, thread: thread?.tid, threadNameBytes: thread?.nameBytes ?? [])
        }
        let address = edge.address
        if let thread = image.threads.first(where: { isThreadLocal(address, of: $0) }) {
            return RootPlace(
                kind: edge.kind, address: address, thread: thread.tid, threadNameBytes: thread.nameBytes,
                isThreadLocal: true)
        }
        switch edge.kind {
        case .stack:
            // The stack whose live end is the nearest below the word.
            let owner = image.threads.filter { $0.stackPointer &- 128 <= address }.max {
                $0.stackPointer < $1.stackPointer
            }
            return RootPlace(
                kind: .stack, address: address, thread: owner?.tid, threadNameBytes: owner?.nameBytes ?? [],
                function: owner.flatMap { stacks.code(at: address, thread: $0.tid) })
        case .data:
            return RootPlace(kind: .data, address: address, module: image.mapping(at: address)?.fileName)
        case .anonymous:
            if let module = moduleBefore(address) { return RootPlace(kind: .data, address: address, module: module) }
            return RootPlace(kind: .anonymous, address: address)
        default:
            return RootPlace(kind: edge.kind, address: address, module: image.mapping(at: address)?.fileName)
        }
    }

    private func isThreadLocal(_ address: UInt64, of thread: ThreadState) -> Bool {
        let base = thread.threadPointer
        guard base > RootNames.threadLocalBytes, image.mapping(at: base)?.range.contains(address) == true else {
            return false
        }
        guard address >= base - RootNames.threadLocalBytes, address < base &+ RootNames.descriptorBytes else {
            return false
        }
        // The stack of the same thread may reach up to here.
        return address >= base || thread.stackPointer > base
            || address > thread.stackPointer &+ RootNames.threadLocalBytes
    }

    /// The module whose bss this is: the anonymous mapping right behind its data.
    private func moduleBefore(_ address: UInt64) -> String? {
        // A large one is more likely memory that the kernel merged with it.
        guard let mapping = image.mapping(at: address), mapping.range.count <= RootNames.largestBss else { return nil }
        let before = image.mapping(at: mapping.range.lower &- 1)
        guard let before, before.isFileBacked, before.permissions.contains(.write) else { return nil }
        return before.fileName
    }
}

extension ThreadState {
    /// Whether a register has this value.
    fileprivate func holds(_ word: UInt64) -> Bool {
        generalRegisters.contains(word) || vectorState.words.contains(word)
    }
}
