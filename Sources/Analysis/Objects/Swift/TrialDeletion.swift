import Model

/// Finds Swift objects that only each other keep alive, by their own counts: no roots, stacks or registers are needed, and a
/// stale word somewhere cannot hide them.
///
/// An object whose count is larger than the references that other objects verifiably hold is kept by something else (a
/// global, a stack, C code): it lives, and so does what it leads to. Whatever is left is garbage for certain: all its
/// references come from garbage. (Bacon and Rajan, Concurrent Cycle Collection in Reference Counted Systems, 2001, turned
/// round: nothing is deleted.)
struct TrialDeletion {
    /// Per object: whether it is garbage.
    private(set) var isGarbage: [Bool]
    /// Per object: references from other objects that were found, of known and of unknown kind.
    private(set) var found: [UInt32]

    /// A verdict as it was once found.
    init(isGarbage: [Bool], found: [UInt32]) {
        self.isGarbage = isGarbage
        self.found = found
    }

    init(_ swift: SwiftReferences) {
        let count = swift.objects.members.count
        var verified = [UInt32](repeating: 0, count: count)
        found = [UInt32](repeating: 0, count: count)
        for number in 0..<count where !swift.counts[number].isEnding {
            for reference in swift.references(of: number) {
                switch reference.kind {
                case .strong:
                    verified[Int(reference.target)] &+= 1
                    found[Int(reference.target)] &+= 1
                case .unknown: found[Int(reference.target)] &+= 1
                case .weak, .unowned, .unmanaged: break
                }
            }
        }
        isGarbage = [Bool](repeating: true, count: count)
        var work: [Int] = []
        for number in 0..<count {
            let counts = swift.counts[number]
            // More references than counted: one of them is stale, and then nothing is certain about this object.
            if counts.isEnding || verified[number] != counts.strong {
                isGarbage[number] = false
                work.append(number)
            }
        }
        // A word of unknown kind holds nothing here: an object of which all counted references were found has no other one. (It
        // may be a leftover, as the slots of a ring buffer keep what was taken out.) Where some were not found, it lives already.
        while let number = work.popLast() {
            for reference in swift.references(of: number) where reference.kind == .strong {
                let target = Int(reference.target)
                if isGarbage[target] {
                    isGarbage[target] = false
                    work.append(target)
                }
            }
        }
    }
}
