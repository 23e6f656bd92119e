import Glibc
package import Model

extension ProcFS {
    /// The live values of explanations; what this kernel does not tell is left out.
    /// - Parameters:
    ///   - own: the process whose the facts of a process are.
    ///   - wait: lets so many seconds pass between two looks at what is counted.
    package func explainFacts(
        _ wanted: Set<ExplainFact>, own: Int32, wait: (Double) -> Void
    ) -> [ExplainFact: ExplainValue] {
        var facts: [ExplainFact: ExplainValue] = [:]
        takeMachine(&facts)
        takeProcess(own, &facts)
        if !wanted.isDisjoint(with: [.processes, .threads, .kernelThreads, .zombies, .adopted]) { takeList(&facts) }
        if !wanted.isDisjoint(with: [.switchesPerSecond, .ownSwitchesPerSecond]) {
            let before = (machine: counter("ctxt"), own: activity(of: own))
            wait(ProcFS.switchSeconds)
            if let before = before.machine, let after = counter("ctxt"), after >= before {
                facts[.switchesPerSecond] = .perSecond(Double(after - before) / ProcFS.switchSeconds)
            }
            facts[.ownSwitchesPerSecond] = ProcFS.switches(from: before.own, to: activity(of: own))
        }
        return facts.filter { wanted.contains($0.key) }
    }

    private static let switchSeconds = 0.25

    private func takeList(_ facts: inout [ExplainFact: ExplainValue]) {
        guard let pids = try? processIDs() else { return }
        var threads = 0
        var kernelThreads = 0
        var zombies = 0
        var adopted = 0
        for pid in pids {
            guard let stat = try? stat(of: pid) else { continue }
            threads += max(stat.threadCount, 1)
            if stat.isKernelThread { kernelThreads += 1 }
            if stat.isZombie, stat.threadCount <= 1 { zombies += 1 }
            if stat.parent == 1 { adopted += 1 }
        }
        facts[.processes] = .count(UInt64(pids.count))
        facts[.threads] = .count(UInt64(threads))
        facts[.kernelThreads] = .count(UInt64(kernelThreads))
        facts[.zombies] = .count(UInt64(zombies))
        facts[.adopted] = .count(UInt64(adopted))
    }

    private func takeMachine(_ facts: inout [ExplainFact: ExplainValue]) {
        facts[.pidLimit] = number(inFile: root + "/sys/kernel/pid_max").map { .number(Int64(clamping: $0)) }
        facts[.forksSinceBoot] = counter("processes").map { .count($0) }
        facts[.roundRobinSlice] = number(inFile: root + "/sys/kernel/sched_rr_timeslice_ms").map {
            .seconds(Double($0) / 1000)
        }
        facts[.autogroup] = number(inFile: root + "/sys/kernel/sched_autogroup_enabled").map { .count($0) }
        facts[.kernelRelease] = words(of: "/sys/kernel/osrelease").first.map { .text($0) }
        let load = words(of: "/loadavg")
        if load.count == 5 {
            // "3/231": running now, and all threads.
            facts[.runningNow] = load[3].split(separator: "/").first.flatMap { UInt64($0) }.map { .count($0) }
            facts[.lastPID] = Int64(load[4]).map { .number($0) }
        }
        if let first = try? stat(of: 1) {
            facts[.firstProcess] = .text(String(decoding: first.commandBytes, as: UTF8.self))
        }
        let processors = lines(of: "/stat").filter { $0.hasPrefix("cpu") }
        facts[.cores] = processors.count > 1 ? .count(UInt64(processors.count - 1)) : nil
        let times = (processors.first ?? "").split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        let sum = times.reduce(0, +)
        // user nice system idle iowait irq softirq steal
        if times.count == 8, sum > 0 { facts[.idleShare] = .share((times[3] + times[4]) / sum) }
        facts[.unixSockets] = lineCount(of: "/net/unix")
        facts[.sharedSegments] = lineCount(of: "/sysvipc/shm")
    }

    private func counter(_ key: String) -> UInt64? {
        lines(of: "/stat").first { $0.hasPrefix(key + " ") }.flatMap { UInt64($0.dropFirst(key.count + 1)) }
    }

    private func lineCount(of path: String) -> ExplainValue? {
        let count = lines(of: path).count
        // The first line holds the names of the columns.
        return count > 0 ? .count(UInt64(count - 1)) : nil
    }

    private func words(of path: String) -> [String] {
        lines(of: path).first?.split(separator: " ").map(String.init) ?? []
    }

    func lines(of path: String) -> [String] {
        let bytes = (try? ProcFile.read(root + path, limit: Limit.maps)) ?? []
        return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
