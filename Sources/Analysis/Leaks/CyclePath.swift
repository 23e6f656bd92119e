import Model

/// One step of a ring: a block's type and the field that leads on.
package struct CycleStep: Hashable, Sendable {
    /// A type's name, or "N bytes".
    package let type: String
    /// The stored property, "capture" in a closure, "[i]" in an array, "+16" where no name is known.
    package let field: String

    /// The field holds a closure.
    package let isFunction: Bool

    /// The field is a `shared_ptr`.
    package let isShared: Bool

    package init(type: String, field: String, isFunction: Bool = false, isShared: Bool = false) {
        self.type = type
        self.field = field
        self.isFunction = isFunction
        self.isShared = isShared
    }
}

/// Finds the shortest ring through a leader, and says where to break it.
struct CyclePaths {
    let image: MemoryImage
    let forest: LostForest
    let ownership: Ownership

    /// Rings longer than this are described by their size only.
    private static let stepLimit = 32
    private static let visitLimit = 100_000

    /// The steps from the leader around to itself; empty where there is no short ring.
    func path(from leader: BlockID) -> [CycleStep] {
        // What is asked for each pointer, apart from what else this value has.
        let (lost, components) = (forest.lost, forest.components.component)
        let start = lost.number(of: leader)
        guard start >= 0 else { return [] }
        let component = components[start]
        let isAlone = forest.components.sizes[Int(component)] == 1
        var cameFrom: [BlockID: (block: BlockID, label: UInt32?)] = [:]
        var frontier = [leader]
        var isClosed = false
        search: while !frontier.isEmpty, cameFrom.count < CyclePaths.visitLimit {
            var next: [BlockID] = []
            for block in frontier where !isClosed {
                ownership.forEachHeld(by: block) { target, label in
                    guard !isClosed else { return }
                    let number = lost.number(of: target)
                    guard number >= 0, components[number] == component, cameFrom[target] == nil,
                        target != leader || block != leader || isAlone
                    else { return }
                    cameFrom[target] = (block, label)
                    if target == leader { isClosed = true } else { next.append(target) }
                }
            }
            if isClosed { break search }
            frontier = next
        }
        guard isClosed else { return [] }
        var steps: [CycleStep] = []
        var at = leader
        repeat {
            guard let (block, label) = cameFrom[at], steps.count < CyclePaths.stepLimit else { return [] }
            let type = typeName(of: block, from: cameFrom[block])
            var field = fieldName(label, from: block, to: at)
            if type == "box", field.hasPrefix("capture") { field = "value" + field.dropFirst("capture".count) }
            steps.append(
                CycleStep(
                    type: type, field: field, isFunction: isFunction(label),
                    isShared: ownership.types.control(of: at) != nil))
            at = block
        } while at != leader
        return collapsed(steps.reversed())
    }

    private func isFunction(_ label: UInt32?) -> Bool {
        guard let label, let swift = ownership.swift else { return false }
        return swift.labels[Int(label)].isFunction
    }

    /// A closure's context and the box of an indirect enumeration look alike: what they are is said by who holds them.
    private func typeName(of block: BlockID, from holder: (block: BlockID, label: UInt32?)?) -> String {
        let types = ownership.types
        let type = types.type(of: block)
        if types.entries[Int(type)].kind == .closure, let holder,
            [.swiftClass, .closure].contains(types.kind(of: holder.block)), holder.label != nil,
            !isFunction(holder.label)
        {
            return "box"
        }
        if let control = types.control(of: block), control.isInline { return control.object }
        return types.name(type) ?? "\(ownership.graph.index.usable(block)) bytes"
    }

    /// Where in `block` the pointer to `target` stands, read from memory when no layout tells.
    private func fieldName(_ label: UInt32?, from block: BlockID, to target: BlockID) -> String {
        if let label, let swift = ownership.swift { return swift.labels[Int(label)].name }
        let index = ownership.graph.index
        let start = index.start(block)
        let words = image.reader.words(at: start, count: Int(min(index.usable(block), 1 << 16) / 8)) ?? []
        func leads(_ word: UInt64) -> Bool {
            let found = index.find(word)
            return found >= 0 && BlockIndex.id(found) == target
        }
        // An object that holds itself has a weak pointer to itself first (enable_shared_from_this).
        let position = block == target ? words.lastIndex(where: leads) : words.firstIndex(where: leads)
        return position.map {
            let isStart = words[$0] == index.start(target)
            let offset = ownership.types.memberOffset(
                of: UInt64($0) * 8, in: block, toStartOf: isStart ? target : nil)
            return "+\(offset)"
        } ?? "?"
    }

    /// The buffers of arrays, dictionaries and sets are their owner's affair: `Room.members` and then the buffer's `[i]`
    /// become one step, `Room.members[i]`.
    private func collapsed(_ steps: [CycleStep]) -> [CycleStep] {
        guard steps.count > 1 else { return steps }
        // Begin with a step that is no buffer.
        let first =
            steps.firstIndex {
                !CyclePaths.isBuffer($0.type) && !CyclePaths.isControlBlock($0.type)
                    && $0.type != CyclePaths.frameMemory
            } ?? 0
        var result: [CycleStep] = []
        for step in steps[first...] + steps[..<first] {
            if step.type == CyclePaths.frameMemory, let last = result.last {
                result[result.count - 1] = CycleStep(type: last.type, field: "frame")
            } else if CyclePaths.isControlBlock(step.type), !result.isEmpty {
                // The pointer to it and the pointer to the object are one shared_ptr.
                continue
            } else if CyclePaths.isBuffer(step.type), let last = result.last {
                result[result.count - 1] = CycleStep(
                    type: last.type, field: last.field + step.field, isFunction: step.isFunction)
            } else {
                result.append(step)
            }
        }
        return result
    }

    private static let frameMemory = TypeTable.frameName

    private static func isControlBlock(_ type: String) -> Bool { type.hasPrefix(ControlBlock.separatePrefix) }

    private static func isBuffer(_ type: String) -> Bool {
        ["Swift._ContiguousArrayStorage<", "Swift._DictionaryStorage<", "Swift._SetStorage<"].contains {
            type.hasPrefix($0)
        }
    }

    /// Advice in one line: a closure that captured its owner, a field whose name says that it points back, else the last
    /// reference of the ring.
    static func breakingPoint(of steps: [CycleStep]) -> String? {
        // A closure that captures nothing but its owner has no context of its own: the field leads straight back.
        if let step = steps.first(where: \.isFunction) {
            return "[weak self] in the closure stored in \(step.type).\(step.field)"
        }
        if steps.contains(where: { $0.type == "closure" }) { return "capture self weakly in the closure" }
        if let step = steps.last(where: { pointsBack($0.field) }) {
            return "make \(step.type).\(step.field) weak (a reference back)"
        }
        if let task = steps.firstIndex(where: { $0.type == "Task" }) {
            let holder = steps[(task + steps.count - 1) % steps.count]
            return "the task in \(holder.type).\(holder.field) never ends: resume or cancel it, or capture self weakly"
        }
        if let step = steps.last(where: \.isShared) {
            let place = step.field.hasPrefix("+") ? "at \(step.type)" : "\(step.type)."
            return "make the shared_ptr \(place)\(step.field) a weak_ptr"
        }
        let named = steps.indices.filter {
            !steps[$0].field.hasPrefix("+") && steps[$0].field != "?" && steps[$0].type != "box"
                && steps[$0].type != "error box"
        }
        // A pointer to plain memory cannot be declared weak.
        let candidates = named.filter { !TypeText.isSize(steps[($0 + 1) % steps.count].type) }.map { steps[$0] }
        // A container's element cannot be declared weak: better another reference, if there is one.
        if let step = candidates.last(where: { !$0.field.contains("[") }) {
            return "make \(step.type).\(step.field) weak, or clear it when done"
        }
        if let step = candidates.last {
            return "take it out of \(step.type).\(step.field.prefix { $0 != "[" }) when done"
        }
        return named.last.map { "clear \(steps[$0].type).\(steps[$0].field) when done" }
    }

    private static func pointsBack(_ field: String) -> Bool {
        let name = field.lowercased()
        return ["parent", "owner", "delegate", "container", "superview", "previous", "prev", "manager"].contains {
            name.contains($0)
        }
    }
}
