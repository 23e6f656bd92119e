package import Model

extension ChannelGraph {
    /// Says of channels that are empty for ever, and of locks that nobody will give up, that they are stuck: who sleeps there,
    /// and all whom it waits for, wait for each other. By the same rule as `WaitChain`, so that `ipc` and `show` agree. A lock
    /// is stuck also where its owner is stopped, or stuck elsewhere.
    package mutating func noteDeadlocks() {
        let deadlocked = WaitChain.deadlocked(waits)
        noteReaders(deadlocked)
        noteLocks(Set(deadlocked.map(\.thread)))
    }

    private struct Place: Hashable {
        var pid: Int32
        var descriptor: Int32
    }

    private mutating func noteReaders(_ deadlocked: [WaitReason]) {
        var readers: [Place: WaitReason] = [:]
        for reason in deadlocked {
            for descriptor in reason.descriptor.map({ [$0] }) ?? reason.descriptors {
                let place = Place(pid: reason.process.pid, descriptor: descriptor)
                if readers[place] == nil { readers[place] = reason }
            }
        }
        guard !readers.isEmpty else { return }
        for index in channels.indices where channels[index].stuck == nil {
            switch channels[index].kind {
            case .pipe, .fifo, .unix, .tcp: break
            default: continue
            }
            for (place, end) in channels[index].ends.enumerated() {
                guard let fd = end.fd, end.role != .write, let reader = readers[Place(pid: end.pid, descriptor: fd)]
                else { continue }
                channels[index].ends[place].thread = reader.thread
                if channels[index].stuck == nil {
                    channels[index].since = asleep[reader.thread]
                    channels[index].state = .stuck(Channel.Stuck(.deadlock, pid: end.pid, thread: reader.thread))
                }
            }
        }
    }

    private mutating func noteLocks(_ deadlocked: Set<Int32>) {
        let locks = channels.indices.filter { channels[$0].state == .held }
        guard !locks.isEmpty else { return }
        // Who sleeps where nothing moves, and who is stopped.
        var halted = Set(channels.compactMap { $0.stuck?.thread })
        for reason in waits {
            switch reason.cause {
            case .stopped, .tracer: halted.insert(reason.thread)
            default: break
            }
        }
        // One that sleeps at a lock may hold another.
        var open = locks
        var before = -1
        while open.count != before {
            before = open.count
            open.removeAll { index in
                let ends = channels[index].ends
                guard let owner = ends.first(where: { $0.role == .hold })?.thread,
                    let sleeper = ends.first(where: { $0.role == .wait && $0.thread != nil }),
                    let thread = sleeper.thread,
                    deadlocked.contains(owner) || halted.contains(owner)
                else { return false }
                let cause: Channel.Stuck.Cause = deadlocked.contains(thread) ? .deadlock : .locked
                channels[index].state = .stuck(Channel.Stuck(cause, pid: sleeper.pid, thread: thread))
                halted.formUnion(ends.filter { $0.role == .wait }.compactMap(\.thread))
                return true
            }
        }
    }

    /// Why the owner of a lock that is stuck does not give it up, in the words of its own wait; nil where that is not known.
    package func obstacle(of channel: Channel) -> WaitReason? {
        guard let owner = channel.ends.first(where: { $0.role == .hold })?.thread else { return nil }
        return waits.first { $0.thread == owner }
    }
}
