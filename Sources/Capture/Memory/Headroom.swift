import Model

/// What the memory control groups of the target and of nusu still let in.
struct Headroom {
    /// A group, what it has left, and what would be put into it.
    struct Shortage: Hashable {
        let path: String
        let leftBytes: UInt64
        let neededBytes: UInt64
    }

    private let targetGroups: [MemoryCgroup]
    private let ownGroups: [MemoryCgroup]

    /// - Parameter own: nil where only the target's groups matter.
    init(procFS: ProcFS, target: Int32, own: Int32?) {
        targetGroups = (try? procFS.memoryCgroups(of: target)) ?? []
        ownGroups = own.flatMap { try? procFS.memoryCgroups(of: $0) } ?? []
    }

    init(targetGroups: [MemoryCgroup], ownGroups: [MemoryCgroup]) {
        self.targetGroups = targetGroups
        self.ownGroups = ownGroups
    }

    /// What the fullest group of the target has left; nil: no limit anywhere.
    var targetBytes: UInt64? { targetGroups.compactMap(Headroom.left).min() }

    /// The first group that would be filled up. Where nusu and the target are in the same group both needs count.
    func shortage(targetNeeds: UInt64, nusuNeeds: UInt64) -> Shortage? {
        let ownPaths = Set(ownGroups.map(\.path))
        let targetPaths = Set(targetGroups.map(\.path))
        for group in targetGroups {
            let needed = targetNeeds + (ownPaths.contains(group.path) ? nusuNeeds : 0)
            if let left = Headroom.left(in: group), left < needed {
                return Shortage(path: group.path, leftBytes: left, neededBytes: needed)
            }
        }
        for group in ownGroups where !targetPaths.contains(group.path) {
            if let left = Headroom.left(in: group), left < nusuNeeds {
                return Shortage(path: group.path, leftBytes: left, neededBytes: nusuNeeds)
            }
        }
        return nil
    }

    /// Page cache counts as free: the kernel gives it back before it ends a process.
    private static func left(in group: MemoryCgroup) -> UInt64? {
        guard let limit = group.limitBytes, let usage = group.usageBytes else { return nil }
        let held = usage - min(usage, group.cacheBytes ?? 0)
        return limit - min(limit, held)
    }
}
