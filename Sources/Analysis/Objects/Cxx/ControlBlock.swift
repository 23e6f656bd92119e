import Model

/// What counts the owners of an object that `shared_ptr`s hold. A `shared_ptr` and a `weak_ptr` are two words each: the object
/// and its control block.
///
/// libstdc++ (bits/shared_ptr_base.h): virtual table, +8 owners (u32), +12 weak references (u32, one more while there are
/// owners), then the object itself (`make_shared`), or the pointer to it, behind a deleter that has a state.
struct ControlBlock: Hashable, Sendable {
    /// The class of the object.
    let object: String
    /// The object lies in the control block, behind the counts.
    let isInline: Bool

    static let ownersOffset: UInt64 = 8
    /// Where the object begins, or the pointer to it.
    static let objectOffset: UInt64 = 16
    /// What is behind the name of a type whose objects share their block with the counts.
    static let inlineMark = " (make_shared)"
    static let separatePrefix = "shared_ptr control block of "

    /// - Parameter name: of the class that a virtual table names, demangled. nil where that is no control block.
    init?(className name: String) {
        let kinds: [(prefix: String, isInline: Bool)] = [
            ("std::_Sp_counted_ptr_inplace<", true), ("std::_Sp_counted_ptr<", false),
            ("std::_Sp_counted_deleter<", false),
        ]
        guard let kind = kinds.first(where: { name.hasPrefix($0.prefix) }),
            var argument = ControlBlock.firstArgument(name.dropFirst(kind.prefix.count))
        else { return nil }
        isInline = kind.isInline
        if !isInline {
            guard argument.hasSuffix("*") else { return nil }
            argument.removeLast()
        }
        object = String(argument)
    }

    /// From the name under which its blocks are shown.
    init?(name: String) {
        isInline = name.hasSuffix(ControlBlock.inlineMark)
        if isInline {
            object = String(name.dropLast(ControlBlock.inlineMark.count))
        } else {
            guard name.hasPrefix(ControlBlock.separatePrefix) else { return nil }
            object = String(name.dropFirst(ControlBlock.separatePrefix.count))
        }
    }

    /// The name under which its blocks are shown.
    var name: String { isInline ? object + ControlBlock.inlineMark : ControlBlock.separatePrefix + object }

    /// Up to the comma that no brackets enclose.
    private static func firstArgument(_ text: Substring) -> Substring? {
        var depth = 0
        for index in text.utf8.indices {
            switch text.utf8[index] {
            case UInt8(ascii: "<"), UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index == text.startIndex ? nil : text[..<index] }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return index == text.startIndex ? nil : text[..<index]
            default: break
            }
        }
        return nil
    }
}

/// What the control blocks among the lost blocks say of who holds whom.
///
/// Every `shared_ptr` and `weak_ptr` is one word that leads to the control block's start. If no more such words are found than
/// there are weak references, none of them is known to own the object: then they hold nothing, and close no ring. Only for
/// lost blocks: for others a word may lie in a variable or register, and none of those is counted here.
struct SharedOwnership {
    /// Control blocks that nothing is known to own.
    private(set) var unowned: Set<BlockID> = []
    /// Objects with a control block of their own, which alone holds them; whoever uses them has a pointer to both.
    private(set) var control: [BlockID: BlockID] = [:]

    var isEmpty: Bool { unowned.isEmpty && control.isEmpty }

    static let none = SharedOwnership()

    private init() {}

    /// - Parameter isLost: the verdict on a block.
    init(image: MemoryImage, graph: ObjectGraph, types: TypeTable, isLost: (BlockID) -> Bool) {
        guard types.hasControlBlocks else { return }
        var found: [BlockID: UInt32] = [:]
        for number in 0..<graph.index.count {
            let block = BlockID(number)
            if types.control(of: block) != nil, isLost(block) { found[block] = 0 }
        }
        guard !found.isEmpty else { return }
        let window = WindowReader(image.reader, windowBytes: 1 << 16)
        for number in 0..<graph.index.count where isLost(BlockID(number)) {
            // The graph knows of neighbouring pointers only that there are some.
            guard graph.targets(of: BlockID(number)).contains(where: { found[$0] != nil }) else { continue }
            let start = graph.index.start(BlockID(number))
            for offset in stride(from: 0, to: graph.index.usable(BlockID(number)) & ~7, by: 8) {
                let target = window.word(at: start + offset).map(graph.index.find) ?? -1
                if target >= 0, !BlockIndex.isInterior(target) { found[BlockIndex.id(target)]? += 1 }
            }
        }
        for (block, pointers) in found {
            let start = graph.index.start(block)
            guard let counts = window.word(at: start + ControlBlock.ownersOffset) else { continue }
            let owners = UInt32(truncatingIfNeeded: counts)
            let weak = UInt32(truncatingIfNeeded: counts >> 32) &- (owners > 0 ? 1 : 0)
            if pointers <= weak, weak < 1 << 30 { unowned.insert(block) }
            guard owners > 0, let object = types.separateObject(of: block, graph.index, window), isLost(object) else {
                continue
            }
            control[object] = block
        }
    }

    /// Whether a pointer in `block` to `target` can hold it.
    func mayHold(_ block: BlockID, _ target: BlockID) -> Bool {
        if unowned.contains(target) { return false }
        return control[target].map { $0 == block } ?? true
    }
}
