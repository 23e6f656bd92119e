import Model

/// Number of a type in a `TypeTable`; 0 is "no type".
typealias TypeID = UInt32

/// The types of all blocks. One type a virtual table or metadata: two specialisations with one name are two types.
struct TypeTable {
    /// What kind of thing a type's blocks are.
    enum Kind: UInt8, Sendable {
        case none
        case cxx
        /// A Swift class or actor.
        case swiftClass
        /// A closure's context, or the box of a captured variable.
        case closure
        /// The box of a captured variable of generic type.
        case box
        case error
        case task
        /// The separate counts of an object with weak references. It does not hold the object.
        case sideTable
        /// Memory in which a task keeps the frames of its asynchronous functions.
        case frames

        /// Whether blocks of this kind begin with metadata and a count of references.
        var isCounted: Bool {
            switch self {
            case .swiftClass, .closure, .box, .error, .task: true
            case .none, .cxx, .sideTable, .frames: false
            }
        }
    }

    struct Entry {
        let name: String
        let kind: Kind
        /// The first word of its blocks: address of a virtual table or of metadata.
        let head: UInt64
        /// Bytes that an instance has at least.
        let instanceSize: UInt64
        /// For the control blocks of C++'s shared pointers.
        var control: ControlBlock?

        /// What blocks have that have no type.
        static let none = Entry(name: "", kind: .none, head: 0, instanceSize: 0)
    }

    private(set) var entries: [Entry] = [.none]
    /// Per block; empty where no block has a type.
    private(set) var ofBlock: [UInt16] = []
    /// Whether any block is a Swift object.
    private(set) var hasSwift = false
    /// Whether any type is that of control blocks.
    private(set) var hasControlBlocks = false

    /// More types than this are not told apart.
    private static let limit = Int(UInt16.max)

    init(image: MemoryImage, graph: ObjectGraph) {
        let types = LeadingTypes(image: image)
        var known: [BlockHead: TypeID] = [:]
        graph.forEachHead { head, block in
            let type: TypeID
            if let id = known[head] {
                type = id
            } else {
                type = add(types.resolve(head))
                known[head] = type
                // What a C++ object has behind its virtual table is its own: it stays one class.
                if entries[Int(type)].kind == .cxx {
                    known[BlockHead(first: head.first, isCounted: !head.isCounted)] = type
                }
            }
            guard type != 0, entries[Int(type)].instanceSize <= graph.index.usable(block) else { return }
            if ofBlock.isEmpty { ofBlock = [UInt16](repeating: 0, count: graph.index.count) }
            ofBlock[Int(block)] = UInt16(type)
        }
        if hasControlBlocks { nameSharedObjects(image, graph.index) }
    }

    /// A table as it was once built. `ofBlock`: per block a number below the number of entries, or empty.
    init(entries: [Entry], ofBlock: [UInt16]) {
        self.entries = entries
        self.ofBlock = ofBlock
        hasSwift = entries.contains { $0.kind.isCounted }
        hasControlBlocks = entries.contains { $0.control != nil }
    }

    /// Objects without virtual functions have the type that their control block names.
    private mutating func nameSharedObjects(_ image: MemoryImage, _ index: BlockIndex) {
        var known: [TypeID: TypeID] = [:]
        let window = WindowReader(image.reader, windowBytes: 1 << 16)
        for number in ofBlock.indices {
            let type = TypeID(ofBlock[number])
            guard let control = entries[Int(type)].control, !control.isInline,
                let object = separateObject(of: BlockID(number), index, window), ofBlock[Int(object)] == 0
            else { continue }
            let named =
                known[type] ?? add(Entry(name: control.object, kind: .cxx, head: 0, instanceSize: 0, control: nil))
            known[type] = named
            ofBlock[Int(object)] = UInt16(named)
        }
    }

    /// The block that holds the object of a control block; nil where the counts say that it is gone.
    func separateObject(of block: BlockID, _ index: BlockIndex, _ window: WindowReader) -> BlockID? {
        guard let control = control(of: block), !control.isInline, index.usable(block) >= ControlBlock.objectOffset + 8,
            // Behind a deleter with a state the pointer lies elsewhere: such control blocks are larger.
            index.usable(block) <= ControlBlock.objectOffset + 8,
            let owners = window.word(at: index.start(block) + ControlBlock.ownersOffset), owners & 0xffff_ffff > 0,
            let pointer = window.word(at: index.start(block) + ControlBlock.objectOffset)
        else { return nil }
        let found = index.find(pointer)
        return found >= 0 && !BlockIndex.isInterior(found) ? BlockIndex.id(found) : nil
    }

    /// Where in the object a pointer stands, given its distance from the start of its block: an object can lie behind its
    /// counts, and the pointer to the start of a control block is the second word of a `shared_ptr`.
    func memberOffset(of position: UInt64, in block: BlockID, toStartOf target: BlockID?) -> UInt64 {
        let behind = control(of: block)?.isInline == true ? ControlBlock.objectOffset : 0
        let second: UInt64 = target.map { control(of: $0) != nil } == true ? 8 : 0
        return position >= behind + second ? position - behind - second : position
    }

    /// nil for blocks that are no control blocks.
    func control(of block: BlockID) -> ControlBlock? { entries[Int(type(of: block))].control }

    @inline(__always)
    func type(of block: BlockID) -> TypeID { ofBlock.isEmpty ? 0 : TypeID(ofBlock[Int(block)]) }

    func kind(of block: BlockID) -> Kind { entries[Int(type(of: block))].kind }

    /// The type's name; nil for no type.
    func name(_ id: TypeID) -> String? { id == 0 ? nil : entries[Int(id)].name }

    /// Blocks without a type of their own that objects lead to: side tables, and frames of asynchronous functions.
    mutating func mark(sideTables: [BlockID], frames: some Sequence<BlockID>) {
        mark(sideTables, Entry(name: "weak reference counts", kind: .sideTable, head: 0, instanceSize: 0))
        mark(Array(frames), Entry(name: TypeTable.frameName, kind: .frames, head: 0, instanceSize: 0))
    }

    static let frameName = "task frames"

    private mutating func mark(_ blocks: [BlockID], _ entry: Entry) {
        guard !blocks.isEmpty, !ofBlock.isEmpty else { return }
        let type = add(entry)
        for block in blocks where type != 0 { ofBlock[Int(block)] = UInt16(type) }
    }

    private mutating func add(_ entry: Entry?) -> TypeID {
        guard let entry, entries.count < TypeTable.limit else { return 0 }
        entries.append(entry)
        if entry.kind.isCounted { hasSwift = true }
        if entry.control != nil { hasControlBlocks = true }
        return TypeID(entries.count - 1)
    }
}
