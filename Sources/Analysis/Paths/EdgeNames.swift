import Model

/// Names of edges: the stored property where a layout tells, else the distance of the word in its block.
/// Not for several threads at once.
final class EdgeNames {
    struct Field {
        /// "+16" where no layout tells, "[i]" in a table of pointers.
        let name: String
        /// Bytes into the target that the pointer leads; 0 for its start.
        let offset: UInt64
        let isFunction: Bool

        static let unknown = Field(name: "?", offset: 0, isFunction: false)
    }

    /// Where a block holds another one: by a label, or by the word at a position.
    private struct Place: BitwiseCopyable {
        let label: UInt32
        let position: UInt32
        let offset: UInt32

        static let noLabel = UInt32.max
    }

    private let ownership: Ownership
    private let image: MemoryImage
    /// What large blocks hold: paths to the elements of one table all ask the same block.
    private var tables: [BlockID: [BlockID: Place]] = [:]
    private var kept = 0

    /// From this size on what a block holds is kept once it was looked for.
    private static let largeBytes: UInt64 = 256
    /// More blocks than that in one: no structure, but a table whose positions mean nothing.
    private static let tableTargets = 16
    /// Words of a block that are searched for pointers.
    private static let searchedBytes: UInt64 = 16 << 20
    /// Entries of all kept tables together, about 30 bytes each.
    private static let keptLimit = 2 << 20

    init(ownership: Ownership, image: MemoryImage) {
        self.ownership = ownership
        self.image = image
    }

    func field(from block: BlockID, to target: BlockID) -> Field {
        guard ownership.graph.index.usable(block) >= EdgeNames.largeBytes else {
            return places(in: block, only: target)[target].map { field($0, isTable: false) } ?? .unknown
        }
        let table = table(of: block)
        return table[target].map { field($0, isTable: table.count > EdgeNames.tableTargets) } ?? .unknown
    }

    private func table(of block: BlockID) -> [BlockID: Place] {
        if let known = tables[block] { return known }
        if kept > EdgeNames.keptLimit {
            tables = [:]
            kept = 0
        }
        let table = places(in: block, only: nil)
        tables[block] = table
        kept += table.count
        return table
    }

    private func field(_ place: Place, isTable: Bool) -> Field {
        if place.label != Place.noLabel, let swift = ownership.swift {
            let label = swift.labels[Int(place.label)]
            return Field(name: label.name, offset: 0, isFunction: label.isFunction)
        }
        return Field(name: isTable ? "[i]" : "+\(place.position)", offset: UInt64(place.offset), isFunction: false)
    }

    /// Where `block` holds others (or one of them): labels before positions, pointers to a start before others.
    private func places(in block: BlockID, only wanted: BlockID?) -> [BlockID: Place] {
        var result: [BlockID: Place] = [:]
        var hasUnlabelled = false
        ownership.forEachHeld(by: block) { held, label in
            guard wanted == nil || held == wanted else { return }
            if let label, result[held] == nil {
                result[held] = Place(label: label, position: 0, offset: 0)
            } else if label == nil {
                hasUnlabelled = true
            }
        }
        guard hasUnlabelled else { return result }
        let index = ownership.graph.index
        let start = index.start(block)
        let end = min(index.usable(block), EdgeNames.searchedBytes)
        let window = WindowReader(image.reader, windowBytes: Int(min(end, 1 << 16)))
        var position: UInt64 = 0
        while position + 8 <= end {
            defer { position += 8 }
            guard let word = window.word(at: start + position) else { continue }
            let found = index.find(word)
            guard found >= 0 else { continue }
            let held = BlockIndex.id(found)
            guard wanted == nil || held == wanted else { continue }
            let offset = UInt32(clamping: word - index.start(held))
            if let known = result[held], known.label != Place.noLabel || known.offset == 0 || offset != 0 { continue }
            let member = ownership.types.memberOffset(
                of: position, in: block, toStartOf: offset == 0 ? held : nil)
            result[held] = Place(label: Place.noLabel, position: UInt32(clamping: member), offset: offset)
        }
        return result
    }

    /// A type's name, or "N bytes". A closure's context and the box of an indirect enumeration look alike: what they are is
    /// said by who holds them.
    func type(of block: BlockID, from holder: BlockID?) -> String {
        let types = ownership.types
        let type = types.type(of: block)
        if types.entries[Int(type)].kind == .closure, let holder,
            [.swiftClass, .closure].contains(types.kind(of: holder)), !field(from: holder, to: block).isFunction
        {
            return "box"
        }
        return types.name(type) ?? "\(ownership.graph.index.usable(block)) bytes"
    }
}
