import Model

/// Joins what was seen of each process into channels: by keys, in time linear in descriptors and mappings. Asks nobody.
struct ChannelJoin {
    /// What a look has found, and when.
    struct Facts: Sendable {
        /// Ascending.
        var processes: [ProcessChannels] = []
        /// Nusu's own namespaces.
        var network: UInt64?
        var ipc: UInt64?
        /// By network namespace.
        var tables: [UInt64: SocketTable] = [:]
        /// By IPC namespace.
        var systemFive: [UInt64: SystemFiveObjects] = [:]
        /// Which of the descriptors that have no number of their own are of one open file, by what stands for it.
        var openFiles: [ChannelHolders.Holder: ChannelHolders.Holder] = [:]
        /// Of semaphores the paths by which they can be opened, and their values.
        var semaphores: [Mapping.FileID: (path: [UInt8], value: UInt64?)] = [:]
        /// When, and when the machine started: seconds since 1970; 0 for not known.
        var now = 0.0
        var booted = 0.0
        var ticksPerSecond = 100.0

        var unseen: [Int32] { processes.filter { $0.isRefused || $0.isLocked }.map(\.pid) }
    }

    let facts: Facts
    let holders: ChannelHolders
    /// By process.
    let places: [Int32: Int]
    var channels: [Channel] = []
    private var identities: [Channel.Kind: Set<String>] = [:]
    /// Whoever may not be seen may have any other end.
    let hasUnseen: Bool

    init(_ facts: Facts) {
        self.facts = facts
        var holders = ChannelHolders()
        var places: [Int32: Int] = [:]
        for (place, process) in facts.processes.enumerated() {
            holders.take(process.descriptors, of: process.pid)
            places[process.pid] = place
        }
        holders.unreadable = facts.processes.filter(\.isRefused).map(\.pid)
        self.holders = holders
        self.places = places
        hasUnseen = !holders.unreadable.isEmpty
    }

    /// Finds all channels, kind by kind.
    mutating func run() {
        joinPipes()
        joinSockets()
        joinNamed()
        joinUnnumbered()
        joinSystemFive()
        joinMemory()
        joinFamilies()
        nameWatched()
    }

    /// Adds a channel whose identity may be that of another one, then followed by what tells them apart.
    /// - Returns: its place; nil where that very thing is there already.
    @discardableResult
    mutating func add(_ channel: Channel, distinguishedBy mark: String = "") -> Int? {
        var channel = channel
        channel.ends.sort { ($0.pid, $0.fd ?? -1, $0.side) < ($1.pid, $1.fd ?? -1, $1.side) }
        if !identities[channel.kind, default: []].insert(channel.identity).inserted {
            channel.identity += " (\(mark))"
            // The same mark twice would be the same thing.
            guard identities[channel.kind, default: []].insert(channel.identity).inserted else { return nil }
        }
        channels.append(channel)
        return channels.count - 1
    }

    func process(_ pid: Int32) -> ProcessChannels? { places[pid].map { facts.processes[$0] } }

    /// An end of what is read at one side and written at the other.
    static func end(_ holder: ChannelHolders.Holder) -> Channel.End {
        let role: Channel.Role = holder.access == 0 ? .read : holder.access == 1 ? .write : .both
        return Channel.End(pid: holder.pid, fd: holder.descriptor, role: role, side: role == .read ? 1 : 0)
    }

    /// Nobody was seen at one of the sides, and there are some who could not be.
    func missesAnEnd(_ ends: [Channel.End]) -> Bool {
        guard hasUnseen else { return false }
        let reads = ends.contains { $0.role == .read || $0.role == .both }
        let writes = ends.contains { $0.role == .write || $0.role == .both }
        return !reads || !writes
    }

    private mutating func joinPipes() {
        for inode in holders.pipes.keys.sorted() {
            var channel = Channel(
                .pipe, identity: "pipe:[\(inode)]", ends: (holders.pipes[inode] ?? []).map(ChannelJoin.end))
            if missesAnEnd(channel.ends) { channel.details.insert(.otherEndUnseen) }
            add(channel)
        }
    }

    private mutating func joinFamilies() {
        var children: [Int32: [Channel.End]] = [:]
        for process in facts.processes where places[process.parent] != nil {
            children[process.parent, default: []].append(
                Channel.End(pid: process.pid, role: .child, side: 1))
        }
        for parent in children.keys.sorted() {
            let ends = [Channel.End(pid: parent, role: .parent)] + (children[parent] ?? [])
            add(Channel(.parentChild, identity: "children of \(parent)", ends: ends))
        }
    }

    /// What an epoll watches is known by descriptors: those that are ends of channels get these channels' names.
    private mutating func nameWatched() {
        var wanted: Set<ChannelHolders.Holder> = []
        for (_, _, watched) in watching { for holder in watched { wanted.insert(holder) } }
        guard !wanted.isEmpty else { return }
        var names: [ChannelHolders.Holder: String] = [:]
        for channel in channels {
            for end in channel.ends {
                guard let fd = end.fd else { continue }
                let holder = ChannelHolders.Holder(pid: end.pid, descriptor: fd)
                if wanted.contains(holder) { names[holder] = channel.identity }
            }
        }
        for (kind, identity, watched) in watching {
            guard let place = channels.firstIndex(where: { $0.kind == kind && $0.identity == identity }) else {
                continue
            }
            channels[place].watched = watched.compactMap { names[$0] }
        }
    }

    /// Which channel is which memory's, and which System V object's.
    var memoryPlaces: [MemoryKey: Int] = [:]
    var systemFivePlaces: [SystemFiveKey: Int] = [:]
    /// Kind and identity of what watches, and the descriptors that it watches, without their access.
    var watching: [(kind: Channel.Kind, identity: String, watched: [ChannelHolders.Holder])] = []
}
