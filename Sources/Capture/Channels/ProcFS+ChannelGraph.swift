import Glibc
import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// Who is connected to whom: one look at all processes, and at the sockets of every network namespace that can be entered.
    /// Takes nothing out of any channel. It never hangs: what a process keeps locked is given up on.
    /// - Parameters:
    ///   - counts: of TCP also how many bytes went which way.
    ///   - patience: seconds that one process is waited for.
    package func channelGraph(counts: Bool = false, patience: Double = 0.1) throws(Failure) -> ChannelGraph {
        let isLive = root == "/proc"
        var facts = ChannelJoin.Facts()
        facts.processes = try processChannels(own: isLive ? getpid() : 0, patience: patience)
        facts.network = namespaceNumber("net")
        facts.ipc = namespaceNumber("ipc")
        var gaps: [Gap] = []
        takeTables(&facts, counts: counts, &gaps)
        takeSystemFive(&facts, isLive: isLive, &gaps)
        takeClock(&facts)
        facts.semaphores = namedSemaphores(facts.processes)
        if isLive { facts.openFiles = SharedOpenFiles.find(facts.processes, patience: patience) }
        var join = ChannelJoin(facts)
        join.run()
        if isLive { try ChannelFills(self).fill(&join.channels, now: facts.now, patience: patience) }
        for place in join.channels.indices where join.channels[place].state == nil {
            join.channels[place].state = join.channels[place].stateByFill
        }
        var waits = ChannelWaits(self, join)
        try waits.run(patience: patience)
        gaps += waits.gaps
        note(facts, &gaps)
        var graph = ChannelGraph(
            channels: waits.channels, processes: ProcFS.processes(facts.processes), unseen: facts.unseen, gaps: gaps)
        graph.waits = waits.waits
        graph.asleep = waits.asleep
        return graph
    }

    private static func processes(_ all: [ProcessChannels]) -> [Int32: ChannelGraph.Process] {
        var result: [Int32: ChannelGraph.Process] = [:]
        result.reserveCapacity(all.count)
        for process in all {
            result[process.pid] = ChannelGraph.Process(
                identity: process.identity, parent: process.parent, user: process.user, isZombie: process.isZombie)
        }
        return result
    }

    private func namespaceNumber(_ kind: StaticString) -> UInt64? {
        guard let link = try? ProcFile.link("\(root)/self/ns/\(kind)") else { return nil }
        return ProcFS.inode(kind, link)
    }

    /// One table for each network namespace that somebody with a socket lives in.
    private func takeTables(_ facts: inout ChannelJoin.Facts, counts: Bool, _ gaps: inout [Gap]) {
        var examples: [UInt64: Int32] = [:]
        for process in facts.processes {
            guard let network = process.network, examples[network] == nil else { continue }
            examples[network] = process.pid
        }
        if let own = facts.network { examples[own] = nil }
        let table = socketTable(counts: counts)
        gaps += table.gaps
        facts.tables[facts.network ?? 0] = table
        for (network, pid) in examples.sorted(by: { $0.value < $1.value }) {
            let table = socketTable(for: pid, counts: counts)
            for gap in table.gaps where !gaps.contains(gap) { gaps.append(gap) }
            facts.tables[network] = table
        }
    }

    private func takeSystemFive(_ facts: inout ChannelJoin.Facts, isLive: Bool, _ gaps: inout [Gap]) {
        facts.systemFive[facts.ipc ?? 0] = SystemFiveObjects(root: root, asksKernel: isLive)
        guard isLive else { return }
        var refused = 0
        var entered: Set<UInt64> = []
        for process in facts.processes {
            guard let ipc = process.ipc, ipc != facts.ipc, entered.insert(ipc).inserted else { continue }
            if let objects = try? SystemFiveObjects.visiting(path(of: process.pid) + "/ns/ipc", root: root) {
                facts.systemFive[ipc] = objects
            } else {
                refused += 1
            }
        }
        if refused > 0 {
            gaps.append(
                Gap(
                    what: "System V's objects of \(Units.counted(refused, "other IPC namespace"))",
                    reason: "they cannot be entered: that needs CAP_SYS_ADMIN", remedy: "sudo nusu ipc"))
        }
    }

    private func takeClock(_ facts: inout ChannelJoin.Facts) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        facts.now = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
        facts.booted = lineNumber("btime ", in: "stat").map { Double($0) } ?? 0
        facts.ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    private func note(_ facts: ChannelJoin.Facts, _ gaps: inout [Gap]) {
        func processes(_ count: Int) -> String { Units.counted(count, "process", plural: "processes") }
        let refused = facts.processes.count { $0.isRefused }
        if refused > 0 {
            gaps.append(
                refusal("channels of \(processes(refused))", of: "their descriptors", "sudo nusu ipc"))
        }
        let locked = facts.processes.count { $0.isLocked }
        if locked > 0 {
            gaps.append(
                Gap(
                    what: "shared memory of \(processes(locked))",
                    reason: "their memory maps stay locked, and reading them would wait for that"))
        }
    }
}

extension Channel {
    /// As far as the kernel says how much lies in it; nil where it does not.
    fileprivate var stateByFill: State? {
        if let messages, kind == .mqueue { return messages > 0 ? .unread : .idle }
        guard waiting != nil || waitingBack != nil else { return nil }
        return (waiting ?? 0) + (waitingBack ?? 0) > 0 ? .unread : .idle
    }
}
