/// Descriptors whose numbers a field of lost objects keeps.
package struct DescriptorOwner: Hashable, Sendable {
    /// The class, raw (not escaped).
    package let type: String
    /// "fd", "peer.socket".
    package let field: String
    /// Ascending, each once.
    package let numbers: [Int32]

    /// "Connection.fd": without the module, where the class is Swift's. Raw, not escaped.
    package var text: String { "\(TypeText.short(type)).\(field)" }

    package init(type: String, field: String, numbers: [Int32]) {
        self.type = type
        self.field = field
        self.numbers = numbers
    }
}

extension LeakGroup {
    /// Descriptors that only blocks of this group are known to hold, ascending.
    package var descriptors: [Int32] { Set(streams + owners.flatMap(\.numbers)).sorted() }

    /// Whether the leaders themselves are of the owner's class, and no blocks below them.
    package func leads(_ owner: DescriptorOwner) -> Bool {
        cycle.isEmpty && type.map { ControlBlock(name: $0)?.object ?? $0 } == owner.type
    }

    /// Leaves out numbers that are no longer open.
    package mutating func keepOwners(of open: Set<Int32>) {
        owners = owners.compactMap { owner in
            let numbers = owner.numbers.filter(open.contains)
            return numbers.isEmpty ? nil : DescriptorOwner(type: owner.type, field: owner.field, numbers: numbers)
        }
    }

    /// Descriptors of one class and field are one entry.
    mutating func add(_ owner: DescriptorOwner) {
        guard let place = owners.firstIndex(where: { $0.type == owner.type && $0.field == owner.field }) else {
            return owners.append(owner)
        }
        let numbers = Set(owners[place].numbers + owner.numbers).sorted()
        owners[place] = DescriptorOwner(type: owner.type, field: owner.field, numbers: numbers)
    }
}
