package import Model

/// A number of blocks and their usable bytes together.
package struct Tally: Hashable, Sendable {
    package var blocks: Int
    package var bytes: UInt64

    package init(blocks: Int = 0, bytes: UInt64 = 0) {
        self.blocks = blocks
        self.bytes = bytes
    }

    package mutating func add(_ bytes: UInt64) {
        blocks += 1
        self.bytes += bytes
    }

    package mutating func add(_ other: Tally) {
        blocks += other.blocks
        bytes += other.bytes
    }
}

/// What was seen of the allocator.
package struct HeapSummary: Hashable, Sendable {
    /// "glibc".
    package var allocator: String
    /// The version string found in the target's own libc ("2.36"); nil where there is none to be read.
    package var version: String?
    package var arenas: Int
    /// Blocks in use and their usable bytes.
    package var live: Tally
    /// Free bytes that the allocator keeps: bins, caches, top chunks.
    package var freeBytes: UInt64
    /// Bytes of heap memory that are populated (resident or swapped), live and free.
    package var populatedBytes: UInt64
    /// The allocator could not be read: only Swift objects were found, by their metadata.
    package var isSwiftOnly = false

    package init(
        allocator: String, version: String?, arenas: Int, live: Tally, freeBytes: UInt64, populatedBytes: UInt64
    ) {
        self.allocator = allocator
        self.version = version
        self.arenas = arenas
        self.live = live
        self.freeBytes = freeBytes
        self.populatedBytes = populatedBytes
    }
}

/// Lost blocks that look alike: same verdict, size, type and shape of what hangs below.
package struct LeakGroup: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// A block that nothing points to.
        case definite
        /// A ring: blocks that only each other hold. The leader stands for the ring.
        case cycle
        /// Reached only through pointers into the middle of a block.
        case possible
        /// A counted object whose count is higher than the references that exist: a release is missing.
        case overRetained = "over-retained"
    }

    /// How sure it is that the blocks are lost.
    package enum Certainty: String, Sendable {
        /// By the objects' own counts: only garbage holds them, whatever stale words say.
        case certain
        /// No pointer leads to them.
        case unreachable
    }

    /// References to an over-retained object.
    package struct References: Hashable, Sendable {
        /// As its count says.
        package let counted: Int
        /// As they exist in other objects.
        package let found: Int

        package init(counted: Int, found: Int) {
            self.counted = counted
            self.found = found
        }
    }

    package var kind: Kind
    /// Number of leaders. For `possible`: number of blocks.
    package var count: Int
    /// Usable size of one leader, in bytes; of leaders with a type the smallest's.
    package var size: UInt64
    /// Of leaders with a type: the largest's usable size. Of others: `size`.
    package var largestSize: UInt64
    /// The leader's type: a demangled C++ or Swift name, raw (not escaped); nil where its first word tells nothing.
    package var type: String?
    /// For leaders without type: what their pointers point to, in words ("libpq.so.5 (3 functions)"); nil where nothing.
    package var pointsTo: String?
    /// Usable bytes of all leaders.
    package var bytes: UInt64
    /// What hangs below the leaders and is lost with them. Counted once, under one leader.
    package var held: Tally
    /// What kinds of blocks hang below, most first, at most five: (type or "N bytes", blocks).
    package var heldKinds: [HeldKind]
    /// Addresses of leaders in ascending order, bounded by the options.
    package var addresses: [UInt64]
    /// Six hexadecimal digits that name this group in every run: made from verdict, type (size where there is none), ring,
    /// and the kinds of blocks below. Numbers of blocks, bytes and addresses do not enter.
    package var signature: String

    /// For a ring: the way around it, from the leader on; empty where it is not short.
    package var cycle: [CycleStep] = []
    package var certainty = Certainty.unreachable
    /// Where to break the ring, in one line.
    package var breakAt: String?
    /// For over-retained objects: those of one leader.
    package var references: References?
    /// Blocks of the leaders' type that are in use only because a word on a stack or in a register leads to them: perhaps
    /// the next to be lost, perhaps lost and an old word. Of groups of one type the first has them; 0 without a type.
    package var stackHeld = 0
    /// Descriptors of FILEs that only blocks of this group lead to, ascending.
    package var streams: [Int32] = []
    /// Descriptors whose numbers fields of its blocks keep, and no object in use of a class that is known to keep some.
    package var owners: [DescriptorOwner] = []
    /// Numbers of open descriptors at places without a name ("+16"): owners only when they get one (`LeakFindings.name`).
    var unnamedNumbers: [DescriptorOwner] = []
    /// Places that stay without a name, and at which each of several blocks has another number that is open: perhaps owners.
    /// Blocks without a type are "block of N bytes".
    package var suspects: [DescriptorOwner] = []
    /// What hangs below the leader at the first of `addresses`; nil where nobody asked, or for `possible`.
    package var tree: HeldTree?

    package struct HeldKind: Hashable, Sendable {
        package var name: String
        package var blocks: Int

        package init(name: String, blocks: Int) {
            self.name = name
            self.blocks = blocks
        }
    }

    package init(
        kind: Kind, count: Int, size: UInt64, type: String?, pointsTo: String?, bytes: UInt64, held: Tally,
        heldKinds: [HeldKind], addresses: [UInt64], signature: String
    ) {
        self.kind = kind
        self.count = count
        self.size = size
        self.largestSize = size
        self.type = type
        self.pointsTo = pointsTo
        self.bytes = bytes
        self.held = held
        self.heldKinds = heldKinds
        self.addresses = addresses
        self.signature = signature
    }

    /// Leaders and what they hold.
    package var totalBytes: UInt64 { bytes + held.bytes }
    package var totalBlocks: Int { count + held.blocks }
}

/// What a process has lost. The four verdicts and what was left out add up to all live blocks; nothing is counted twice.
package struct LeakFindings: Sendable {
    package var heap: HeapSummary
    /// Leaders: no pointer to them exists outside what they hold.
    package var definite: Tally
    /// Lost with a leader, because only it (or what it holds) points to them.
    package var indirect: Tally
    /// Reached only by interior pointers, chains below included; or lost in one of two snapshots only.
    package var possible: Tally
    package var reachable: Tally
    /// Lost, but named by the user's patterns or only below what they name: in none of the numbers and groups here.
    package var excluded = ExcludedBlocks()
    /// Marked part of `definite` + `indirect`: number of rings, and the blocks on them.
    package var cycleCount: Int
    package var cycles: Tally
    /// Largest total first. All of them: `--limit` and `--min-bytes` are the report's.
    package var groups: [LeakGroup]
    package var gaps: [Gap]
    /// False when an arena could not be walked: the result is then a lower bound.
    package var exact: Bool
    /// Blocks that only one of two snapshots called lost; they are counted as possible.
    package var unconfirmed: Int
    /// All lost blocks by type ("N bytes" for those without), largest first, at most `typeLimit`.
    package var byType: [TypeTally] = []
    package static let typeLimit = 1000

    package struct TypeTally: Hashable, Sendable {
        package let type: String
        package let tally: Tally
    }

    /// What C++ objects in use keep of the numbers in the groups' `unnamedNumbers`.
    var unnamedNumbersInUse: [DescriptorOwner] = []
    /// What may keep descriptors' numbers and was not looked at. No part of `gaps`: the blocks themselves were seen.
    package var descriptorGaps: [Gap] = []

    /// Answers to what was asked of single addresses (`LeakAnalysis.Options.about`), in the order of asking.
    package var asked: [AskedBlock] = []

    package init(
        heap: HeapSummary, definite: Tally, indirect: Tally, possible: Tally, reachable: Tally, cycleCount: Int,
        cycles: Tally, groups: [LeakGroup], gaps: [Gap], exact: Bool, unconfirmed: Int
    ) {
        self.heap = heap
        self.definite = definite
        self.indirect = indirect
        self.possible = possible
        self.reachable = reachable
        self.cycleCount = cycleCount
        self.cycles = cycles
        self.groups = groups
        self.gaps = gaps
        self.exact = exact
        self.unconfirmed = unconfirmed
    }

    /// Definite and indirect together: what line 1 of the report counts.
    package var lost: Tally { Tally(blocks: definite.blocks + indirect.blocks, bytes: definite.bytes + indirect.bytes) }
}
