package import Model

extension ChannelGraph {
    /// Says of channels that are empty for ever that they are stuck: who reads there, and all whom it waits for, wait for each
    /// other. By the same rule as `WaitChain`, so that `ipc` and `show` agree.
    package mutating func noteDeadlocks() {
        let deadlocked = WaitChain.deadlocked(waits).filter { $0.descriptor != nil }
        guard !deadlocked.isEmpty else { return }
        struct Place: Hashable {
            var pid: Int32
            var descriptor: Int32?
        }
        let readers = Dictionary(
            deadlocked.map { (Place(pid: $0.process.pid, descriptor: $0.descriptor), $0) }
        ) { first, _ in first }
        for index in channels.indices where channels[index].stuck == nil {
            switch channels[index].kind {
            case .pipe, .unix, .tcp: break
            default: continue
            }
            for (place, end) in channels[index].ends.enumerated() {
                guard end.fd != nil, end.role != .write, let reader = readers[Place(pid: end.pid, descriptor: end.fd)]
                else { continue }
                channels[index].ends[place].thread = reader.thread
                if channels[index].stuck == nil {
                    channels[index].since = asleep[reader.thread]
                    channels[index].state = .stuck(Channel.Stuck(.deadlock, pid: end.pid, thread: reader.thread))
                }
            }
        }
    }
}
