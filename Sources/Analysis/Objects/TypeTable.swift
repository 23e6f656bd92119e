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

        /// Whether blocks of this kind begin with metadata and a count of references.
        var isCounted: Bool {
            switch self {
            case .swiftClass, .closure, .box, .error, .task: true
            case .none, .cxx, .sideTable: false
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

        /// What blocks have that have no type.
        static let none = Entry(name: "", kind: .none, head: 0, instanceSize: 0)
    }

    private(set) var entries: [Entry] = [.none]
    /// Per block; empty where no block has a type.
    private(set) var ofBlock: [UInt16] = []
    /// Whether any block is a Swift object.
    private(set) var hasSwift = false

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
            }
            guard type != 0, entries[Int(type)].instanceSize <= graph.index.usable(block) else { return }
            if ofBlock.isEmpty { ofBlock = [UInt16](repeating: 0, count: graph.index.count) }
            ofBlock[Int(block)] = UInt16(type)
        }
    }

    /// A table as it was once built. `ofBlock`: per block a number below the number of entries, or empty.
    init(entries: [Entry], ofBlock: [UInt16]) {
        self.entries = entries
        self.ofBlock = ofBlock
        hasSwift = entries.contains { $0.kind.isCounted }
    }

    @inline(__always)
    func type(of block: BlockID) -> TypeID { ofBlock.isEmpty ? 0 : TypeID(ofBlock[Int(block)]) }

    func kind(of block: BlockID) -> Kind { entries[Int(type(of: block))].kind }

    /// The type's name; nil for no type.
    func name(_ id: TypeID) -> String? { id == 0 ? nil : entries[Int(id)].name }

    /// Says that these blocks are side tables.
    mutating func markSideTables(_ blocks: [BlockID]) {
        guard !blocks.isEmpty else { return }
        let type = add(Entry(name: "weak reference counts", kind: .sideTable, head: 0, instanceSize: 0))
        for block in blocks where type != 0 { ofBlock[Int(block)] = UInt16(type) }
    }

    private mutating func add(_ entry: Entry?) -> TypeID {
        guard let entry, entries.count < TypeTable.limit else { return 0 }
        entries.append(entry)
        if entry.kind.isCounted { hasSwift = true }
        return TypeID(entries.count - 1)
    }
}
