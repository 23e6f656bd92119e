import Model

/// Whose threads are worth a look.
extension ChannelWaits {
    /// Who may sleep because something is full.
    func writers() -> Set<Int32> {
        var result: Set<Int32> = []
        for channel in channels {
            switch channel.kind {
            case .pipe, .fifo, .unix, .tcp, .udp:
                if channel.details.contains(.notAccepted) {
                    // The client, which may sleep until somebody accepts it.
                    for end in channel.ends where end.role != .listen { result.insert(end.pid) }
                    continue
                }
                // One that has both ends for itself may have filled it.
                guard channel.joinsProcesses ? channel.state != .idle : channel.state == .unread else { continue }
                for end in channel.ends where end.role != .read { result.insert(end.pid) }
            case .pty:
                for end in channel.ends where end.role != .read { result.insert(end.pid) }
            default: break
            }
        }
        if hasFullListener { result.formUnion(readable.map(\.pid)) }
        return result
    }

    private var readable: [ProcessChannels] { join.facts.processes.filter { !$0.isRefused && !$0.isZombie } }

    /// A client that waits until a listener has room is known to nobody but itself.
    private var hasFullListener: Bool {
        join.facts.tables.values.contains { table in
            table.sockets.contains { socket in
                guard socket.state == .listening, socket.transport.isUnix, let waiting = socket.receiveQueue,
                    let limit = socket.sendQueue
                else { return false }
                return waiting > limit
            }
        }
    }

    /// Who may sleep at something that has no end to be full.
    func others() -> Set<Int32> {
        var result: Set<Int32> = []
        for channel in channels {
            switch channel.kind {
            case .mqueue: for end in channel.ends { result.insert(end.pid) }
            case .sharedMemory, .semaphore:
                guard channel.joinsProcesses else { continue }
                for end in channel.ends where end.role == .map { result.insert(end.pid) }
            default: break
            }
        }
        for (namespace, objects) in join.facts.systemFive where !objects.queues.isEmpty || !objects.sets.isEmpty {
            for process in readable where process.ipc == nil || process.ipc == namespace { result.insert(process.pid) }
        }
        return result
    }
}
