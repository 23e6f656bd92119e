import Model

extension ChannelWaits {
    /// Ends at which a reader may wait for processes that wait for it, and who has children that may: what a deadlock through
    /// empty channels is made of.
    struct QuietEnds {
        /// More could be awaited at once than are looked at for `show`: no deadlock would be sure.
        private static let limit = 32

        private(set) var places: Set<Place> = []
        private(set) var processes: Set<Int32> = []
        /// Whoever has an end of what very many have: which of its ends it polls would have to be asked first.
        private(set) var crowded: Set<Int32> = []

        init(_ channels: [Channel], _ all: [ProcessChannels]) {
            for channel in channels where channel.joinsProcesses && channel.stuck == nil {
                switch channel.kind {
                case .pipe, .fifo: take(channel.ends, channel.ends.filter { $0.role != .read })
                case .unix, .tcp:
                    guard !channel.details.contains(.notAccepted) else { continue }
                    for side: UInt8 in [0, 1] {
                        take(channel.ends.filter { $0.side == side }, channel.ends.filter { $0.side != side })
                    }
                default: break
                }
            }
            // They may wait for a child that waits for them.
            var children: [Int32: (count: Int, isReader: Bool)] = [:]
            for process in all {
                let isReader = processes.contains(process.pid)
                let known = children[process.parent] ?? (0, false)
                children[process.parent] = (known.count + 1, known.isReader || isReader)
            }
            for process in all where !process.isRefused {
                guard let own = children[process.pid], own.isReader, own.count <= QuietEnds.limit else { continue }
                processes.insert(process.pid)
            }
        }

        private mutating func take(_ ends: [Channel.End], _ others: [Channel.End]) {
            let isCrowded = Set(others.map(\.pid)).count > QuietEnds.limit
            for end in ends where end.role == .read || end.role == .both {
                guard let fd = end.fd, others.contains(where: { $0.pid != end.pid }) else { continue }
                if isCrowded {
                    crowded.insert(end.pid)
                } else {
                    places.insert(Place(pid: end.pid, descriptor: fd))
                    processes.insert(end.pid)
                }
            }
        }
    }
}

extension WaitLook {
    /// What all threads of a process wait for whose main thread sleeps, for as long as it takes, until others do something;
    /// empty for every other process: in a deadlock it would be the one that goes on.
    /// - Throws: where its calls may not be seen.
    func waitsWithoutEnd(_ pid: Int32, _ quiet: ChannelWaits.QuietEnds) throws(Failure) -> [WaitReason] {
        let call: ProcFS.SystemCall
        do { call = try procfs.call(of: pid, thread: pid) } catch {
            guard error.kind == .notPermitted else { return [] }
            throw error
        }
        guard waitsWithoutEnd(pid, call, quiet), let main = reason(of: pid, thread: pid), !main.awaited.isEmpty,
            !main.hasTimeout
        else { return [] }
        let others = ((try? procfs.threadIDs(of: pid)) ?? []).filter { $0 != pid }
        return [main]
            + others.prefix(ChannelWaits.threadLimit - 1).compactMap { reason(of: pid, thread: $0) }
    }

    /// By the call's own arguments, so that few need a closer look.
    private func waitsWithoutEnd(_ pid: Int32, _ call: ProcFS.SystemCall, _ quiet: ChannelWaits.QuietEnds) -> Bool {
        guard let number = call.number, let known = WaitingCall.number(number), call.arguments.count > 2 else {
            return false
        }
        switch known.kind {
        case .read:
            let descriptor = Int32(truncatingIfNeeded: call.arguments[0])
            return quiet.places.contains(.init(pid: pid, descriptor: descriptor))
        case .child: return true
        case .several:
            guard !quiet.crowded.contains(pid), !WaitLook.hasTimeout(call, named: known.name),
                let watched = watched(by: call, named: known.name, of: pid), watched.count <= WaitLook.followedLimit
            else { return false }
            // Mostly there is something else among them: a listener, a timer, a terminal.
            return !watched.isEmpty
                && watched.allSatisfy { quiet.places.contains(.init(pid: pid, descriptor: $0.descriptor)) }
        default: return false
        }
    }
}
