package import Model

/// A way from a root to a block.
package struct OwnershipPath: Hashable, Sendable {
    /// Where it begins; nil for a lost block.
    package let root: RootPlace?
    /// From the block that the root holds to the block that was asked for, that one last.
    package let steps: [Step]

    package struct Step: Hashable, Sendable {
        package let address: UInt64
        /// The block's type, or "N bytes".
        package let type: String
        /// The field that leads on to the next step; nil for the last.
        package let field: String?
        /// Bytes into this block that the pointer to it leads; 0 for its start.
        package let offset: UInt64

        package init(address: UInt64, type: String, field: String?, offset: UInt64) {
            self.address = address
            self.type = type
            self.field = field
            self.offset = offset
        }
    }

    package init(root: RootPlace?, steps: [Step]) {
        self.root = root
        self.steps = steps
    }
}

/// A root as a person would name it.
package struct RootPlace: Hashable, Sendable {
    package let kind: RootKind
    /// The word's address; nil for registers and what the kernel holds.
    package let address: UInt64?
    /// For stacks and thread-local storage: the thread.
    package let thread: Int32?
    /// That thread's name, raw bytes.
    package let threadNameBytes: [UInt8]
    /// For data: the file name of the module.
    package let module: String?
    /// The word lies in a thread's thread-local storage.
    package let isThreadLocal: Bool
    /// For stacks: an address in the function whose frame the word lies in; nil where it is not known.
    package let function: UInt64?

    /// The addresses of which a name would say more.
    package var namedAddresses: [UInt64] { [address, function].compactMap { $0 } }

    package init(
        kind: RootKind, address: UInt64?, thread: Int32? = nil, threadNameBytes: [UInt8] = [], module: String? = nil,
        isThreadLocal: Bool = false, function: UInt64? = nil
    ) {
        self.kind = kind
        self.address = address
        self.thread = thread
        self.threadNameBytes = threadNameBytes
        self.module = module
        self.isThreadLocal = isThreadLocal
        self.function = function
    }
}

/// What is asked of `why`.
package enum WhyQuestion: Hashable, Sendable {
    case address(UInt64)
    /// A type's name, whole or its last component; or "N bytes" for the blocks of that size without a type.
    case type(String)
}

/// Who keeps a block, or the blocks of a type, alive.
package struct WhyFindings: Sendable {
    package let question: WhyQuestion
    /// Blocks that the question means: alive ones and lost ones.
    package let alive: Tally
    package let lost: Tally
    /// For an address: the block's fate, its start and usable size; nil when no block in use lies there.
    package let block: AskedBlock?
    /// For an address: the block's type, lost or not; nil where nothing tells.
    package let blockType: String?
    /// The shortest ways, most frequent first; blocks reached in the same way (types and fields, a repeated
    /// step counted once) share one.
    package let paths: [Path]
    /// Paths were looked for from every so many blocks only; 1 from all. Above 1 the paths' counts are estimates.
    package let sampledEvery: Int
    /// What the block, or all blocks of the type together, keep alive or took with them.
    package let holds: Tally
    package let holdsKinds: [LeakGroup.HeldKind]
    /// Names of types that resemble the one asked for, when there is none of that name.
    package let similar: [String]
    /// For an address: weak references to the object exist (its counts live in a side table).
    package let hasWeakReferences: Bool
    /// The words that are weak references to it, found through its side table.
    package var weakHolders: [Holder] = []
    package let gaps: [Gap]
    package let exact: Bool

    package struct Path: Hashable, Sendable {
        /// Blocks that are reached in this way.
        package let count: Int
        /// The way to one of them.
        package let example: OwnershipPath
    }
}
