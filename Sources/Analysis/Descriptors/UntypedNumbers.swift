/// Numbers of open descriptors in lost blocks without a type, by the blocks' size and the place. No place says what it is; one
/// at which every block of many has another open number is worth telling.
struct UntypedNumbers {
    /// Blocks in which a number may be a descriptor's, or which are too large to be looked at.
    private(set) var blocks = 0
    private var bytesLeft = UntypedNumbers.byteLimit
    private var kinds: [Kind: Numbers] = [:]
    private var places = 0

    struct Kind: Hashable, Comparable {
        let group: UInt32
        /// The leaders of a group are alike; what hangs below may have their size and be something else.
        let isBelow: Bool
        /// Usable bytes.
        let size: UInt64

        static func < (left: Kind, right: Kind) -> Bool {
            (left.group, left.isBelow ? 1 : 0, left.size) < (right.group, right.isBelow ? 1 : 0, right.size)
        }
    }

    private struct Numbers {
        var blocks = 0
        var atPlaces: [UInt64: Set<Int32>] = [:]
    }

    /// Of a larger block nothing is known.
    private static let blockLimit: UInt64 = 4096
    /// Bytes that are looked at.
    private static let byteLimit: UInt64 = 64 << 20
    private static let placeLimit = 1 << 16

    /// - Parameter forEachNumber: calls its argument with each place in the block that has an open number, and with that.
    mutating func add(_ kind: Kind, _ forEachNumber: ((UInt64, Int32) -> Void) -> Void) {
        guard kind.size <= UntypedNumbers.blockLimit, kind.size <= bytesLeft else {
            blocks += 1
            return
        }
        bytesLeft -= kind.size
        var numbers = kinds.removeValue(forKey: kind) ?? Numbers()
        numbers.blocks += 1
        var mayOwn = false
        var room = UntypedNumbers.placeLimit - places
        forEachNumber { offset, value in
            mayOwn = true
            if numbers.atPlaces[offset] == nil {
                guard room > 0 else { return }
                room -= 1
            }
            numbers.atPlaces[offset, default: []].insert(value)
        }
        places = UntypedNumbers.placeLimit - room
        kinds[kind] = numbers
        if mayOwn { blocks += 1 }
    }

    /// Places at which each of the blocks has another number, ascending.
    var suspects: [(kind: Kind, offset: UInt64, numbers: Set<Int32>)] {
        kinds.sorted { $0.key < $1.key }.flatMap { kind, numbers in
            numbers.atPlaces.sorted { $0.key < $1.key }
                .filter { DescriptorOwner.isDistinct($0.value, of: numbers.blocks) }
                .map { (kind, $0.key, $0.value) }
        }
    }
}
