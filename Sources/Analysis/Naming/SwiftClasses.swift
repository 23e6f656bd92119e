package import Model

/// The Swift classes that a graph has objects of. Their metadata does not change once it is made: it can be read when the
/// snapshot is over, and only for those whose fields findings have no name for.
package struct SwiftClasses: Sendable {
    /// By name; names that several classes have are left out.
    private let entries: [String: TypeTable.Entry]
    private let image: MemoryImage

    /// Of what reads metadata.
    package var reader: any MemoryReader { image.reader }

    /// - Parameter reader: what is kept to read metadata with: not a snapshot, which may be as large as the process.
    package init(of graph: ProcessGraph, reader: any MemoryReader) {
        image = MemoryImage(
            process: graph.process, mappings: graph.image.mappings, threads: [], reader: reader)
        var entries: [String: TypeTable.Entry] = [:]
        var ambiguous: Set<String> = []
        for entry in graph.types.entries where entry.kind == .swiftClass {
            if entries.updateValue(entry, forKey: entry.name) != nil { ambiguous.insert(entry.name) }
        }
        self.entries = entries.filter { !ambiguous.contains($0.key) }
    }

    package func contains(_ name: String) -> Bool { entries[name] != nil }

    /// Address of a class's metadata.
    package func metadata(of name: String) -> UInt64? { entries[name]?.head }

    /// The stored properties of these classes, as far as their metadata tells: one that is a structure of a generic type, a
    /// tuple or an enumeration is not taken apart.
    package func fields(of classes: Set<String>) -> FieldNames {
        let pages = PageCache(image.reader)
        let (layouts, types) = (SwiftLayouts(pages: pages), SwiftTypes(image: image, pages: pages))
        var result: [String: [FieldNames.Field]] = [:]
        for name in classes.sorted() {
            guard let entry = entries[name] else { continue }
            result[name] = layouts.layout(of: entry, types: types).fields.filter { !$0.name.isEmpty }.map {
                FieldNames.Field(offset: $0.offset, size: $0.end - min($0.end, $0.offset), name: $0.name)
            }
        }
        return FieldNames(result)
    }
}
