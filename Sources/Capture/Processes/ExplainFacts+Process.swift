import Glibc
package import Model

extension ProcFS {
    /// What of these facts may not be read of a process.
    package func explainGaps(_ facts: [ExplainFact], of identity: ProcessIdentity, topic: String) -> [Gap] {
        let memory: Set<ExplainFact> = [.ownStack, .ownHeap, .ownData, .ownBss, .ownMappings, .ownSharedRegions]
        let files: Set<ExplainFact> = [.ownSockets, .ownPipes]
        var what: [String] = []
        if !memory.isDisjoint(with: facts), (try? mappings(of: identity.pid)) == nil {
            what.append("its address space")
        }
        if !files.isDisjoint(with: facts), descriptorKinds(of: identity.pid) == nil { what.append("its descriptors") }
        guard !what.isEmpty else { return [] }
        return [
            Gap(
                what: what.joined(separator: " and "), reason: "that needs its own user, or CAP_SYS_PTRACE",
                remedy: "sudo nusu explain \(topic) \(identity.pid)")
        ]
    }

    /// What explanations show of one process. What may not be read is left out.
    func takeProcess(_ pid: Int32, _ facts: inout [ExplainFact: ExplainValue]) {
        if let stat = try? stat(of: pid) { takeStat(stat, &facts) }
        if let status = try? status(of: pid) { takeStatus(status, &facts) }
        facts[.ownStatusLines] = .count(UInt64(lines(of: "/\(pid)/status").count))
        let children = (try? children(of: pid)) ?? []
        facts[.ownChildren] = .count(UInt64(children.count))
        facts[.ownZombies] = .count(UInt64(children.count { (try? stat(of: $0))?.isZombie == true }))
        facts[.ownSlice] = schedulerLines(path(of: pid) + "/sched")["se.slice"].map { .seconds($0 / 1e9) }
        // "/autogroup-25 nice 0"
        facts[.ownAutogroupNice] = lines(of: "/\(pid)/autogroup").first?.split(separator: " ").last.flatMap {
            Int64($0)
        }
        .map { .number($0) }
        if let kinds = descriptorKinds(of: pid) {
            facts[.ownSockets] = .count(UInt64(kinds["socket"] ?? 0))
            facts[.ownPipes] = .count(UInt64(kinds["pipe"] ?? 0))
        }
        takeMemory(pid, &facts)
    }

    private func takeStat(_ stat: ProcessStat, _ facts: inout [ExplainFact: ExplainValue]) {
        facts[.ownPID] = .number(Int64(stat.pid))
        // 0 has no entry: the idle task, or somebody outside this pid namespace.
        let parent = (try? self.stat(of: stat.parent))?.commandBytes
        facts[.ownParent] =
            parent.map { .text("\(String(decoding: $0, as: UTF8.self)) (\(stat.parent))") }
            ?? .number(Int64(stat.parent))
        facts[.ownSession] = .number(Int64(stat.session))
        facts[.ownGroup] = .number(Int64(stat.processGroup))
        facts[.ownNice] = .number(Int64(stat.nice))
        if stat.terminalGroup > 0 { facts[.ownForegroundGroup] = .number(Int64(stat.terminalGroup)) }
        facts[.ownThreads] = .count(UInt64(max(stat.threadCount, 0)))
        facts[.ownState] = .text(String(UnicodeScalar(stat.state)))
        facts[.ownProcessor] = .number(Int64(stat.processor))
        facts[.ownPriority] = .number(Int64(stat.priority))
        // SCHED_… of sched(7), by their numbers.
        let policies: [Int32: String] = [
            0: "OTHER", 1: "FIFO", 2: "RR", 3: "BATCH", 5: "IDLE", 6: "DEADLINE", 7: "EXT",
        ]
        facts[.ownPolicy] = .text(policies[stat.policy].map { "SCHED_\($0)" } ?? "\(stat.policy)")
    }

    private func takeStatus(_ status: ProcessStatus, _ facts: inout [ExplainFact: ExplainValue]) {
        facts[.ownInnerPID] = status.namespacePids.last.map { .number(Int64($0)) }
        facts[.ownReserved] = status.virtualBytes.map { .bytes($0) }
        facts[.ownResident] = status.residentBytes.map { .bytes($0) }
        facts[.ownAnonymous] = status.anonymousResidentBytes.map { .bytes($0) }
        facts[.ownVoluntarySwitches] = status.voluntarySwitches.map { .count($0) }
        facts[.ownInvoluntarySwitches] = status.involuntarySwitches.map { .count($0) }
        func count(_ set: UInt64) -> ExplainValue { .count(UInt64(set.nonzeroBitCount)) }
        facts[.ownCaught] = count(status.signalsCaught)
        facts[.ownIgnored] = count(status.signalsIgnored)
        facts[.ownBlocked] = count(status.signalsBlocked)
        facts[.ownPending] = count(status.signalsPending | status.signalsPendingShared)
    }

    private func takeMemory(_ pid: Int32, _ facts: inout [ExplainFact: ExplainValue]) {
        facts[.pageSize] = .bytes(UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0)))
        let limit = lines(of: "/\(pid)/limits").first { $0.hasPrefix("Max stack size") }
        facts[.ownStackLimit] = limit?.split(separator: " ").dropFirst(3).first.flatMap { UInt64($0) }.map {
            .bytes($0)
        }
        guard let mappings = try? mappings(of: pid) else { return }
        let program = (try? executable(of: pid))?.pathBytes
        facts[.ownMappings] = .count(UInt64(mappings.count))
        facts[.ownSharedRegions] = .count(UInt64(mappings.count { $0.permissions.contains(.shared) }))
        for (index, mapping) in mappings.enumerated() {
            if mapping.isMainStack { facts[.ownStack] = .range(mapping.range) }
            if mapping.isHeap { facts[.ownHeap] = .range(mapping.range) }
            guard mapping.nameBytes == program, mapping.permissions.contains(.write) else { continue }
            facts[.ownData] = .range(mapping.range)
            // Zeroed variables that fill no page of the file: the mapping without a file right behind.
            if index + 1 < mappings.count, mappings[index + 1].range.lower == mapping.range.upper,
                mappings[index + 1].nameBytes.isEmpty
            {
                facts[.ownBss] = .range(mappings[index + 1].range)
            }
        }
    }

    /// Of both kinds, of all threads that were there both times, in a second.
    static func switches(from before: ProcessActivity, to after: ProcessActivity) -> ExplainValue? {
        guard after.nanoseconds > before.nanoseconds, !after.threads.isEmpty else { return nil }
        var sum: UInt64 = 0
        for (number, thread) in after.threads {
            guard let earlier = before.threads[number] else { continue }
            for count in [\ProcessActivity.Thread.voluntarySwitches, \.involuntarySwitches] {
                guard let now = thread[keyPath: count], let then = earlier[keyPath: count] else { return nil }
                sum &+= now &- min(now, then)
            }
        }
        return .perSecond(Double(sum) * 1e9 / Double(after.nanoseconds - before.nanoseconds))
    }
}
