package import Model

/// What was opened and not closed between two looks at a process's descriptors.
package struct DescriptorGrowth: Sendable {
    /// A kind of descriptors of which there are more, or fewer, than before.
    package struct Change: Hashable, Sendable {
        package var kind: Descriptor.Kind
        package var subject: DescriptorSubject
        package var before: Int
        package var after: Int
        /// Open now, and not open (or something else) before. Ascending by number.
        package var opened: [Descriptor]

        package var difference: Int { after - before }
    }

    /// Between the two looks.
    package let seconds: Double
    package let before: Int
    package let after: Int
    /// Open now, and not open before.
    package let opened: Int
    /// Open before, and not now.
    package let closed: Int
    /// Those that grew most first. What stayed as it was is left out; what was closed and opened anew is not.
    package let changes: [Change]

    package init(from first: DescriptorTable, to second: DescriptorTable, seconds: Double) {
        self.seconds = seconds
        before = first.descriptors.count
        after = second.descriptors.count
        func isOld(_ descriptor: Descriptor) -> Bool {
            first[descriptor.number].map { $0.isSame(as: descriptor) } ?? false
        }
        let kept = second.descriptors.count(where: isOld)
        opened = second.descriptors.count - kept
        closed = first.descriptors.count - kept
        let groups = DescriptorGrouping.groups(of: first.descriptors, and: second.descriptors)
        struct Key: Hashable {
            var kind: Descriptor.Kind
            var subject: DescriptorSubject
        }
        var earlier: [Key: Int] = [:]
        for group in groups.first { earlier[Key(kind: group.kind, subject: group.subject)] = group.count }
        var changes = groups.second.map { group in
            Change(
                kind: group.kind, subject: group.subject,
                before: earlier.removeValue(forKey: Key(kind: group.kind, subject: group.subject)) ?? 0,
                after: group.count, opened: group.members.filter { !isOld($0) })
        }
        for group in groups.first where earlier[Key(kind: group.kind, subject: group.subject)] != nil {
            changes.append(
                Change(kind: group.kind, subject: group.subject, before: group.count, after: 0, opened: []))
        }
        let changed = changes.filter { $0.difference != 0 || !$0.opened.isEmpty }
        self.changes = changed.enumerated().sorted { left, right in
            (left.element.difference, left.element.opened.count, right.offset)
                > (right.element.difference, right.element.opened.count, left.offset)
        }.map(\.element)
    }

    /// Of some kind there are more than before.
    package var grew: Bool { changes.contains { $0.difference > 0 } }
}
