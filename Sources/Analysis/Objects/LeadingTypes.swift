import Model

/// Names the type of a block by its first word: a C++ virtual table or Swift metadata. Everything is read from the
/// target's memory (no symbols, no debug information) and checked before it is believed.
final class LeadingTypes {
    private let image: MemoryImage
    private let cxx: CxxTypes
    private let swift: SwiftTypes

    init(image: MemoryImage) {
        self.image = image
        let pages = PageCache(image.reader)
        cxx = CxxTypes(image: image, pages: pages)
        swift = SwiftTypes(image: image, pages: pages)
    }

    /// nil when the word is neither.
    func resolve(_ head: BlockHead) -> TypeTable.Entry? {
        guard image.mapping(at: head.first)?.permissions.contains(.read) == true else { return nil }
        if let name = cxx.name(ofTable: head.first) {
            let control = ControlBlock(className: name)
            return TypeTable.Entry(
                name: control?.name ?? name, kind: .cxx, head: head.first, instanceSize: 0, control: control)
        }
        return head.isCounted ? swift.entry(ofHeapMetadata: head.first) : nil
    }
}
