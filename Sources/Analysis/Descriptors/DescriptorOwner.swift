/// Descriptors whose numbers a field of lost objects keeps.
package struct DescriptorOwner: Hashable, Sendable {
    /// The class, raw (not escaped).
    package let type: String
    /// "fd", "peer.socket".
    package let field: String
    /// Ascending, each once.
    package let numbers: [Int32]
    /// Of a place without a name: every object of its class, of several that are lost, has another number there. Counters
    /// have that too.
    package var isDistinct = false

    /// "Connection.fd": without the module, where the class is Swift's. Raw, not escaped.
    package var text: String { "\(TypeText.short(type)).\(field)" }

    package init(type: String, field: String, numbers: [Int32], isDistinct: Bool = false) {
        self.type = type
        self.field = field
        self.numbers = numbers
        self.isDistinct = isDistinct
    }

    /// Fewer may be like descriptors' numbers by chance.
    private static let leastDistinct = 4

    /// Whether so many objects each have another number, and are enough for that to mean something.
    static func isDistinct(_ numbers: Set<Int32>, of objects: Int) -> Bool {
        numbers.count >= leastDistinct && numbers.count == objects
    }

    /// What is left without these numbers; nil where that is too little to be suspected.
    func suspected(without others: Set<Int32>) -> DescriptorOwner? {
        let rest = numbers.filter { !others.contains($0) }
        guard isDistinct, rest.count >= DescriptorOwner.leastDistinct else { return nil }
        return DescriptorOwner(type: type, field: field, numbers: rest, isDistinct: true)
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
