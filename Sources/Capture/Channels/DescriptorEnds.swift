import Model
import SystemPackage

/// Finds who has the other ends of a process's pipes, FIFOs, sockets and pseudo-terminals open: one look at the descriptors of all
/// processes, and one at the sockets of its network namespace.
struct DescriptorEnds {
    private let procfs: ProcFS
    private let pid: Int32
    private let holders: ChannelHolders
    /// FIFOs and pseudo-terminals, by descriptor of the process.
    private var named: [Int32: Channel] = [:]
    private var identities: [Int32: ProcessIdentity?] = [:]
    /// By pipe: the processes that write to it, and those that read from it.
    private var pipes: [UInt64: (writers: Set<Int32>, readers: Set<Int32>)] = [:]

    init(_ procfs: ProcFS, of table: DescriptorTable) {
        self.procfs = procfs
        pid = table.process.pid
        let pids = (try? procfs.processIDs()) ?? [pid]
        guard table.descriptors.contains(where: { $0.kind == .fifo || $0.kind == .terminal }) else {
            holders = procfs.channelHolders(among: pids)
            return
        }
        // What is met by a path takes a closer look, and the join of all channels.
        var join = ChannelJoin(procfs.pathFacts(among: pids))
        holders = join.holders
        join.joinNamed()
        for channel in join.channels where channel.kind == .fifo || channel.kind == .pty {
            for end in channel.ends where end.pid == pid { if let fd = end.fd { named[fd] = channel } }
        }
    }

    mutating func join(_ table: inout DescriptorTable) {
        if table.descriptors.contains(where: { $0.kind == .socket }) {
            let sockets = procfs.socketTable(for: pid)
            table.gaps += sockets.gaps
            for index in table.descriptors.indices where table.descriptors[index].kind == .socket {
                joinSocket(&table.descriptors[index], sockets)
            }
        }
        for index in table.descriptors.indices where table.descriptors[index].kind == .pipe {
            joinPipe(&table.descriptors[index])
        }
        for index in table.descriptors.indices { joinNamed(&table.descriptors[index]) }
        let count = holders.unreadable.count
        if count > 0, table.descriptors.contains(where: { $0.otherEnd?.count == 0 }) {
            table.gaps.append(
                procfs.refusal(
                    "other ends in \(count) \(count == 1 ? "process" : "processes")", of: "their descriptors",
                    "sudo nusu fds \(pid)"))
        }
    }

    private mutating func joinSocket(_ descriptor: inout Descriptor, _ table: SocketTable) {
        guard let inode = ProcFS.inode("socket", descriptor.target), let socket = table[inode] else { return }
        descriptor.socket = socket
        descriptor.isServer = socket.state != .listening && table.isServer(socket)
        guard let peer = table.peer(of: inode), !peer.inodes.isEmpty else { return }
        if let other = peer.inodes.first.flatMap({ table[$0] }) { descriptor.peerName = other.local }
        descriptor.otherEnd = otherEnd(holders.processes(ofSockets: peer.inodes), isAccepted: peer.isAccepted)
    }

    /// Everybody's other end of a pipe is who may do what this descriptor does not.
    private mutating func joinPipe(_ descriptor: inout Descriptor) {
        guard let inode = ProcFS.inode("pipe", descriptor.target), let access = descriptor.access else { return }
        let ends = pipes[inode] ?? pipeEnds(inode)
        pipes[inode] = ends
        let others = access == .read ? ends.writers : access == .write ? ends.readers : ends.writers.union(ends.readers)
        descriptor.otherEnd = otherEnd(others.sorted(), isAccepted: true)
    }

    private mutating func joinNamed(_ descriptor: inout Descriptor) {
        guard let channel = named[descriptor.number],
            let own = channel.ends.first(where: { $0.pid == pid && $0.fd == descriptor.number })
        else { return }
        let others = channel.ends.filter { end in
            if channel.kind == .pty { return end.side != own.side }
            return own.role == .both || end.role != own.role
        }
        descriptor.otherEnd = otherEnd(Set(others.map(\.pid)).sorted(), isAccepted: true)
    }

    private func pipeEnds(_ inode: UInt64) -> (writers: Set<Int32>, readers: Set<Int32>) {
        let holders = holders.pipes[inode] ?? []
        return (Set(holders.filter(\.writes).map(\.pid)), Set(holders.filter(\.reads).map(\.pid)))
    }

    private mutating func otherEnd(_ pids: [Int32], isAccepted: Bool) -> Descriptor.OtherEnd {
        let others = pids.filter { $0 != pid }
        let isOwn = others.isEmpty && !pids.isEmpty
        let shown = (isOwn ? pids : others).prefix(Descriptor.processLimit).compactMap { identity($0) }
        return Descriptor.OtherEnd(
            processes: shown, count: isOwn ? 1 : others.count, isOwn: isOwn, isAccepted: isAccepted)
    }

    private mutating func identity(_ pid: Int32) -> ProcessIdentity? {
        if let known = identities[pid] { return known }
        let identity = try? procfs.identity(of: pid)
        identities[pid] = .some(identity)
        return identity
    }
}

extension ProcFS {
    /// What these processes have of pipes, sockets, and what is met by a path.
    fileprivate func pathFacts(among pids: [Int32]) -> ChannelJoin.Facts {
        var facts = ChannelJoin.Facts()
        for pid in pids {
            guard let stat = try? stat(of: pid), !stat.isKernelThread, !stat.isZombie else { continue }
            var process = ProcessChannels(stat)
            do {
                process.descriptors = try channelDescriptors(of: pid, .paths)
            } catch {
                guard error != .noSuchFileOrDirectory, error != .noSuchProcess else { continue }
                process.isRefused = true
            }
            facts.processes.append(process)
        }
        return facts
    }
}
