import Model

/// The references between the Swift objects of an image, with the field that each stands in, and every object's own count
/// of them. A class, since it is asked object by object: a copy of a structure of so many tables costs more than the answer.
final class SwiftReferences: Sendable {
    struct Reference {
        /// Number (in `objects.members`) of the object that it leads to.
        let target: UInt32
        /// Index into `labels`.
        let label: UInt32
        var kind: ReferenceKind
    }

    /// An object's counts (Swift runtime, RefCount.h).
    struct Counts {
        /// References that keep it alive; `.max` for an object that never ends.
        var strong: UInt32
        /// Unowned references, the strong ones' share of one included.
        var unowned: UInt32
        /// Its deinit runs or has run: what is left of it is no object.
        var isEnding: Bool
    }

    /// Where a reference stands in its object.
    struct Label: Hashable {
        /// The stored property, "capture", "[i]", or "+16" where no name is known.
        let name: String
        let isFunction: Bool
    }

    /// All blocks that are counted objects.
    let objects: BlockSet
    let counts: [Counts]
    let labels: [Label]
    /// Blocks that are side tables: found by the objects that they belong to.
    let sideTables: [BlockID]
    /// Blocks with frames of asynchronous functions, and what the part of each leads to that is in use: the rest keeps words
    /// of frames that have ended.
    let frames: [BlockID: [BlockID]]
    /// `offsets[i] ..< offsets[i + 1]` are the references of object i.
    private let offsets: [UInt32]
    private let references: [Reference]

    /// References as they were once found. All numbers must fit each other.
    init(
        objects: BlockSet, counts: [Counts], labels: [Label], sideTables: [BlockID], frames: [BlockID: [BlockID]],
        offsets: [UInt32], references: [Reference]
    ) {
        self.objects = objects
        self.counts = counts
        self.labels = labels
        self.sideTables = sideTables
        self.frames = frames
        self.offsets = offsets
        self.references = references
    }

    static func find(image: MemoryImage, graph: ObjectGraph, types: TypeTable) -> SwiftReferences {
        var finder = SwiftReferenceFinder(image: image, graph: graph, types: types)
        return finder.find()
    }

    /// The references of object number `number`.
    func references(of number: Int) -> ArraySlice<Reference> {
        references[Int(offsets[number])..<Int(offsets[number + 1])]
    }

    /// Whether an object's second word says that its counts have moved to a side table.
    static func hasSideTable(_ word: UInt64) -> Bool { word >> 62 == 3 }
}
