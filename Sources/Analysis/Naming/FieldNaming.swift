package import Model

/// Findings have offsets where no layout tells a field. Where debug information or metadata does, these put in the names;
/// nothing else changes, a group's signature neither.

extension FieldNames {
    /// The field at "+16" of a type as findings call it: objects that share their block with counts have a mark.
    fileprivate func field(_ place: String, of type: String) -> String? {
        name(place, of: FieldNames.className(type))
    }

    fileprivate static func className(_ type: String) -> String { ControlBlock(name: type)?.object ?? type }
}

extension CycleStep {
    func naming(_ names: FieldNames) -> CycleStep {
        guard let name = names.field(field, of: type) else { return self }
        return CycleStep(type: type, field: name, isFunction: isFunction, isShared: isShared)
    }
}

extension HeldTree {
    func naming(_ names: FieldNames) -> HeldTree {
        HeldTree(address: address, root: root.naming(names, above: nil), elsewhere: elsewhere)
    }
}

extension HeldTree.Node {
    func naming(_ names: FieldNames, above: String?) -> HeldTree.Node {
        HeldTree.Node(
            field: above.flatMap { names.field(field, of: $0) } ?? field, type: type, own: own, below: below,
            children: children.map { $0.naming(names, above: type) }, hidden: hidden)
    }

    /// Whether a field below has only an offset, of which class.
    func unnamed(_ result: inout Set<String>) {
        for child in children {
            if FieldNames.offset(child.field) != nil { result.insert(FieldNames.className(type)) }
            child.unnamed(&result)
        }
    }
}

extension LeakFindings {
    package mutating func name(_ names: FieldNames) {
        nameOwners(names)
        guard !names.isEmpty else { return }
        for number in groups.indices {
            groups[number].cycle = groups[number].cycle.map { $0.naming(names) }
            groups[number].breakAt = CyclePaths.breakingPoint(of: groups[number].cycle)
            groups[number].tree = groups[number].tree?.naming(names)
        }
    }

    /// Classes whose lost objects keep a number of an open descriptor, at a place that has only an offset.
    package var numberedClasses: Set<String> { Set(groups.flatMap(\.unnamedNumbers).map(\.type)) }

    /// Classes in use that keep one of the numbers which, with these names, lost objects own.
    package func classesInUse(_ names: FieldNames) -> Set<String> {
        let owned = groups.flatMap(\.unnamedNumbers).filter { names.descriptorField(at: $0.field, of: $0.type) != nil }
        let numbers = Set(owned.flatMap(\.numbers))
        return Set(unnamedNumbersInUse.filter { !numbers.isDisjoint(with: $0.numbers) }.map(\.type))
    }

    /// Numbers whose place turns out to be a descriptor's become owners; the others are forgotten.
    private mutating func nameOwners(_ names: FieldNames) {
        var inUse: Set<Int32> = []
        for place in unnamedNumbersInUse where names.descriptorField(at: place.field, of: place.type) != nil {
            inUse.formUnion(place.numbers)
        }
        var used: [String: [String: Set<Int32>]] = [:]
        for place in unnamedNumbersInUse {
            used[place.type, default: [:]][place.field, default: []].formUnion(place.numbers)
        }
        var unknown: Set<String> = []
        for number in groups.indices {
            for place in groups[number].unnamedNumbers {
                if names.classes[place.type]?.isEmpty != false {
                    unknown.insert(place.type)
                    if let suspect = place.suspected(without: used[place.type]?[place.field] ?? []) {
                        groups[number].suspects.append(suspect)
                    }
                }
                guard let field = names.descriptorField(at: place.field, of: place.type) else { continue }
                let numbers = place.numbers.filter { !inUse.contains($0) }
                if !numbers.isEmpty {
                    groups[number].add(DescriptorOwner(type: place.type, field: field, numbers: numbers))
                }
            }
            groups[number].unnamedNumbers = []
        }
        unnamedNumbersInUse = []
        guard let first = unknown.min() else { return }
        let rest = unknown.count - 1
        let others = rest > 0 ? " and \(Units.counted(rest, "other C++ class", plural: "other C++ classes"))" : ""
        descriptorGaps.append(
            Gap(
                what: "numbers in lost objects of \(first)\(others)",
                reason: "no debug information names their fields, or nusu-symbols is not beside nusu",
                remedy: "build with -g, or put its debug information under /usr/lib/debug"))
    }

    /// Types with a field that has only an offset.
    package var unnamedClasses: Set<String> {
        var result: Set<String> = []
        for group in groups {
            for step in group.cycle where FieldNames.offset(step.field) != nil {
                result.insert(FieldNames.className(step.type))
            }
            group.tree?.root.unnamed(&result)
        }
        return result.filter { !TypeText.isSize($0) }
    }
}

extension OwnershipPath {
    package func naming(_ names: FieldNames) -> OwnershipPath {
        guard !names.isEmpty else { return self }
        return OwnershipPath(
            root: root,
            steps: steps.map { step in
                let name = step.field.flatMap { names.field($0, of: step.type) }
                return Step(address: step.address, type: step.type, field: name ?? step.field, offset: step.offset)
            })
    }

    /// Types with a field that has only an offset.
    package var unnamedClasses: Set<String> {
        Set(
            steps.filter { $0.field.flatMap(FieldNames.offset) != nil && !TypeText.isSize($0.type) }
                .map { FieldNames.className($0.type) })
    }
}

extension ProcessGraph {
    /// The names of all classes that blocks have: what a saved graph needs the fields of.
    package var classNames: Set<String> {
        Set(
            types.entries.filter { $0.kind == .cxx || $0.kind == .swiftClass }
                .map { ControlBlock(name: $0.name)?.object ?? $0.name })
    }
}
