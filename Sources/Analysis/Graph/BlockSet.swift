import Model

/// A set of blocks, each with its number in ascending order: one bit a block, and a count for every 64. A class, since it is
/// asked for each pointer by closures that would else copy it.
final class BlockSet: Sendable {
    private let bits: [UInt64]
    private let before: [UInt32]
    /// The members, ascending.
    let members: [BlockID]

    /// All blocks of 0 ..< `count` for which `isMember` is true.
    init(count: Int, where isMember: (Int) -> Bool) {
        var bits = [UInt64](repeating: 0, count: (count + 63) / 64)
        var members: [BlockID] = []
        for id in 0..<count where isMember(id) {
            bits[id >> 6] |= 1 << UInt64(id & 63)
            members.append(BlockID(id))
        }
        self.members = members
        var before: [UInt32] = []
        before.reserveCapacity(bits.count)
        var total: UInt32 = 0
        for word in bits {
            before.append(total)
            total += UInt32(word.nonzeroBitCount)
        }
        self.bits = bits
        self.before = before
    }

    /// The position of `id` in `members`, or -1 when it is not in the set.
    @inline(__always)
    func number(of id: BlockID) -> Int {
        let word = bits[Int(id) >> 6]
        let bit = UInt64(1) << UInt64(id & 63)
        guard word & bit != 0 else { return -1 }
        return Int(before[Int(id) >> 6]) + (word & (bit - 1)).nonzeroBitCount
    }
}
