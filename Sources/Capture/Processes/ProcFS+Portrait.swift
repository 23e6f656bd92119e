import Kernel
package import Model

/// How much of a process is looked at.
package enum PortraitScope: Sendable {
    case whole
    /// What its threads are in, and why.
    case calls
    /// What is told of it without looking at its threads.
    case record
}

extension ProcFS {
    /// What the threads of a process have done until now.
    package func activity(of pid: Int32) -> ProcessActivity {
        let scan = try? scan(ProcessScan.Request([.schedstat, .status], processes: [pid], threads: true))
        return activity(scan?.records ?? [])
    }

    private func activity(_ records: [ProcessRecord]) -> ProcessActivity {
        var result = ProcessActivity(nanoseconds: Moment.now.nanoseconds)
        for record in records {
            result.threads[record.stat.pid] = ProcessActivity.Thread(
                runTimes: record.runTimes, voluntarySwitches: record.status?.voluntarySwitches,
                involuntarySwitches: record.status?.involuntarySwitches)
        }
        return result
    }

    /// All that user space sees of a process's control block, or a part of it.
    /// - Throws: `.noTarget` when it is gone.
    package func portrait(
        of identity: ProcessIdentity, own: Int32, scope: PortraitScope = .whole
    ) throws(Failure) -> ProcessPortrait {
        let pid = identity.pid
        let sources: ProcessSources = [
            .owner, .arguments, .status, .schedstat, .waitChannel, .controlGroups, .executable, .namespaces,
            .memoryPressure, .autogroup, .loginUser,
        ]
        guard let record = try scan(ProcessScan.Request(sources, processes: [pid])).records.first,
            record.stat.startTicks == identity.startTicks
        else {
            throw Failure(
                .noTarget, what: "\(identity) ended while it was looked at", subject: identity.description,
                remedy: "look for it with: nusu ps")
        }
        guard scope != .record else {
            return ProcessPortrait(record: record, signals: ProcessSignals(identity: identity))
        }
        let look = WaitLook(self)
        guard scope == .whole else {
            var portrait = ProcessPortrait(record: record, signals: ProcessSignals(identity: identity))
            portrait.waits = look.waits(from: pid)
            takeThreads(pid, [], &portrait)
            portrait.gaps = portraitGaps(portrait, scope) + look.gaps
            return portrait
        }
        var portrait = ProcessPortrait(record: record, signals: try signals(of: pid))
        portrait.waits = look.waits(from: pid)
        takeFamily(pid, &portrait)
        takeThreads(pid, [.schedstat, .status], &portrait)
        portrait.status = statusLines(of: pid)
        portrait.limits = allLimits(of: pid)
        portrait.userThreads = record.status.flatMap { userThreads($0.user.real) }
        portrait.lastCapability = number(inFile: root + "/sys/kernel/cap_last_cap")
        portrait.descriptors = portrait.waits.first?.cause == .notPermitted ? nil : descriptorKinds(of: pid)
        portrait.sliceSeconds = schedulerLines(path(of: pid) + "/sched")["se.slice"].map { $0 / 1e9 }
        portrait.sleepsSeconds = sleepSeconds(record.stat, path(of: pid), own: path(of: own))
        let groups = (try? memoryCgroups(of: pid)) ?? []
        let tightest = groups.filter { $0.limitBytes != nil }.min { ($0.limitBytes ?? 0) < ($1.limitBytes ?? 0) }
        portrait.memoryLimitBytes = tightest?.limitBytes
        portrait.memoryUsedBytes = tightest?.usageBytes
        portrait.gaps = portraitGaps(portrait, scope) + look.gaps
        return portrait
    }

    private func portraitGaps(_ portrait: ProcessPortrait, _ scope: PortraitScope) -> [Gap] {
        let pid = portrait.record.stat.pid
        guard !portrait.record.stat.isZombie, !portrait.record.stat.isKernelThread else { return [] }
        var gaps: [Gap] = []
        if scope == .whole && portrait.descriptors == nil || portrait.waits.first?.cause == .notPermitted {
            gaps.append(
                Gap(
                    what: "what it waits for, open files, namespaces, program",
                    // What is hidden from one who may trace others, a security module or a foreign user namespace hides.
                    reason: mayTraceOthers
                        ? "it may not be looked into, even with CAP_SYS_PTRACE"
                        : "that needs its own user, or CAP_SYS_PTRACE",
                    remedy: mayTraceOthers ? nil : "sudo nusu show \(pid)"))
        }
        if portrait.record.locked.contains(.arguments) {
            gaps.append(Gap(what: "its arguments", reason: "its memory map stays locked"))
        }
        return gaps
    }

    private func takeFamily(_ pid: Int32, _ portrait: inout ProcessPortrait) {
        func relative(_ pid: Int32) -> ProcessPortrait.Relative? {
            (try? stat(of: pid)).map {
                ProcessPortrait.Relative(
                    identity: ProcessIdentity(pid: pid, startTicks: $0.startTicks, commandBytes: $0.commandBytes),
                    isZombie: $0.isZombie)
            }
        }
        var parent = portrait.record.stat.parent
        // Reparenting between two reads could close a circle.
        while parent > 0, portrait.ancestors.count < 64, let next = relative(parent) {
            portrait.ancestors.append(next)
            parent = (try? stat(of: parent))?.parent ?? 0
        }
        portrait.children = ((try? children(of: pid)) ?? []).compactMap(relative)
    }

    /// - Parameter sources: what is read of each for the sums, besides what it is in.
    private func takeThreads(_ pid: Int32, _ sources: ProcessSources, _ portrait: inout ProcessPortrait) {
        var sum = ProcessRecord.RunTimes(ran: 0, waited: 0, slices: 0)
        var switches: (voluntary: UInt64, involuntary: UInt64) = (0, 0)
        let records = (try? scan(ProcessScan.Request(sources, processes: [pid], threads: true)))?.records
        portrait.activity = activity(records ?? [])
        // Of ten thousand threads each call counts.
        guard var reader = try? ProcessReader(root: root) else { return }
        for record in records ?? [] {
            var thread = ProcessPortrait.Thread(
                number: record.stat.pid, nameBytes: record.stat.commandBytes, state: record.stat.state)
            reader.enter(process: pid, thread: record.stat.pid)
            if case .success(let bytes) = reader.read("wchan") { thread.channel = ProcFS.waitChannel(parsing: bytes) }
            if !record.stat.isKernelThread, case .success(let bytes) = reader.read("syscall") {
                thread.call = SystemCall(parsing: bytes).number.map {
                    WaitingCall.number($0)?.name ?? "system call \($0)"
                }
            }
            thread.runTimes = record.runTimes
            portrait.threads.append(thread)
            sum.ran &+= record.runTimes?.ran ?? 0
            sum.waited &+= record.runTimes?.waited ?? 0
            sum.slices &+= record.runTimes?.slices ?? 0
            switches.voluntary &+= record.status?.voluntarySwitches ?? 0
            switches.involuntary &+= record.status?.involuntarySwitches ?? 0
        }
        guard !portrait.threads.isEmpty else { return }
        portrait.runTimes = sum
        (portrait.voluntarySwitches, portrait.involuntarySwitches) = (switches.voluntary, switches.involuntary)
    }

    private func userThreads(_ user: UInt32) -> UInt64? {
        let records = (try? scan(ProcessScan.Request([.status])))?.records
        return records?.reduce(0) { sum, record in
            record.status?.user.real == user ? sum + UInt64(max(record.stat.threadCount, 0)) : sum
        }
    }

    private func statusLines(of pid: Int32) -> [String: String] {
        var result: [String: String] = [:]
        let wanted: Set<String> = [
            "CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Cpus_allowed_list", "Groups", "Umask", "VmStk",
            "VmData",
            "SigQ",
        ]
        let bytes = (try? read("status", of: pid, limit: Limit.small)) ?? []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard let key = line.upTo(UInt8(ascii: ":")) else { continue }
                let name = String(decoding: key, as: UTF8.self)
                guard wanted.contains(name) else { continue }
                line.skipBlanks()
                result[name] = String(decoding: line.rest, as: UTF8.self)
            }
        }
        return result
    }

    /// Seconds that a thread has been asleep; nil where it runs, or that cannot be told.
    /// - Parameters:
    ///   - folder: the thread's, below /proc.
    ///   - own: that of the calling thread.
    func sleepSeconds(_ stat: ProcessStat, _ folder: String, own: String) -> Double? {
        // Both by the scheduler's clock of the same processor: it is not that of uptime, and those of two processors may be
        // half a second apart.
        guard stat.state != UInt8(ascii: "R"), let last = schedulerLines(folder + "/sched")["se.exec_start"],
            let now = Processors.run(on: stat.processor, { schedulerLines(own + "/sched")["se.exec_start"] }) ?? nil,
            now >= last
        else { return nil }
        return (now - last) / 1000
    }

    /// The numbers of `/proc/PID/sched`, whose names change from version to version.
    func schedulerLines(_ path: String) -> [String: Double] {
        var result: [String: Double] = [:]
        let bytes = (try? ProcFile.read(path, limit: Limit.small)) ?? []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = String(decoding: line, as: UTF8.self).split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let name = parts[0].filter { $0 != " " }
            result[name] = Double(parts[1].filter { $0 != " " })
        }
        return result
    }

    /// "Max open files            1024                 524288               files", in columns of fixed width.
    private func allLimits(of pid: Int32) -> [ProcessPortrait.Limit] {
        let bytes = (try? read("limits", of: pid, limit: Limit.small)) ?? []
        return bytes.split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
            guard line.count >= 47 else { return nil }
            let start = line.startIndex
            func column(_ range: Range<Int>) -> String {
                let text = String(
                    decoding: line[(start + range.lowerBound)..<min(start + range.upperBound, line.endIndex)],
                    as: UTF8.self)
                return text.split(separator: " ").joined(separator: " ")
            }
            return ProcessPortrait.Limit(
                name: column(0..<26), soft: UInt64(column(26..<47)), hard: UInt64(column(47..<68)))
        }
    }

    func descriptorKinds(of pid: Int32) -> [String: Int]? {
        let base = path(of: pid) + "/fd"
        guard let names = try? ProcFile.entries(base, limit: Limit.descriptors) else { return nil }
        var result: [String: Int] = [:]
        for name in names {
            guard let target = try? ProcFile.link(base + "/" + String(decoding: name, as: UTF8.self)) else { continue }
            result[ProcFS.descriptorKind(target), default: 0] += 1
        }
        // A folder may be listed by those who may not follow its links.
        return result.isEmpty && !names.isEmpty ? nil : result
    }

    static func descriptorKind(_ target: [UInt8]) -> String {
        if target.starts(with: "socket:".utf8) { return "socket" }
        if target.starts(with: "pipe:".utf8) { return "pipe" }
        if target.starts(with: "/dev/pts/".utf8) || target.starts(with: "/dev/tty".utf8) { return "terminal" }
        if target.starts(with: "anon_inode:".utf8) {
            let name = target.dropFirst("anon_inode:".utf8.count).filter {
                $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
            }
            return String(decoding: name, as: UTF8.self)
        }
        return "file"
    }
}
