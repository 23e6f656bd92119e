import Kernel
package import Model

extension ProcFS {
    /// By what the kernel decides what a signal does to a process. What may not be read stands in `gaps`.
    /// - Parameter looksAtGroup: also tell whether its group is orphaned, which takes a look at all processes.
    package func signals(of pid: Int32, looksAtGroup: Bool = true) throws(Failure) -> ProcessSignals {
        let stat = try stat(of: pid)
        let status = try status(of: pid)
        var result = ProcessSignals(
            identity: ProcessIdentity(pid: pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes))
        result.parent = stat.parent
        result.isKernelThread = stat.isKernelThread
        result.tracer = status.tracerPid
        // A kernel that does not write the line (before 4.1) leaves number 1 itself to be known.
        result.namespacePids = status.namespacePids.isEmpty ? [pid] : status.namespacePids
        result.ignored = SignalSet(bits: status.signalsIgnored)
        result.caught = SignalSet(bits: status.signalsCaught)
        result.pending = SignalSet(bits: status.signalsPendingShared)
        guard !stat.isKernelThread else {
            result.threads = [thread(pid, stat.state, status)]
            return result
        }
        result.threads = try threadSignals(of: pid)
        guard !result.hasEnded else { return result }
        if let read = signalsReadThroughDescriptors(of: pid) {
            result.readThroughDescriptor = read
        } else {
            result.gaps.append(
                Gap(
                    what: "signals that it waits for (sigwait) or reads through a descriptor (signalfd)",
                    reason: "that needs the process's own user, or CAP_SYS_PTRACE", remedy: "sudo nusu signal \(pid)"))
        }
        if looksAtGroup { result.isGroupOrphaned = isOrphaned(group: stat.processGroup, session: stat.session) }
        return result
    }

    private func threadSignals(of pid: Int32) throws(Failure) -> [ProcessSignals.Thread] {
        let numbers = try threadIDs(of: pid)
        guard var reader = try? ProcessReader(root: root) else { return [] }
        return numbers.compactMap { number in
            reader.enter(process: pid, thread: number)
            // A thread may end while it is looked at.
            guard case .success(let line) = reader.read("stat"), let stat = ProcessStat(parsing: line), !stat.isZombie,
                case .success(let lines) = reader.read("status"), let status = ProcessStatus(parsing: Array(lines))
            else { return nil }
            var thread = thread(number, stat.state, status)
            if case .success(let call) = reader.read("syscall") {
                thread.awaited = awaitedSignals(of: pid, thread: number, in: call)
            }
            return thread
        }
    }

    private func thread(_ number: Int32, _ state: UInt8, _ status: ProcessStatus) -> ProcessSignals.Thread {
        ProcessSignals.Thread(
            number: number, state: state, blocked: SignalSet(bits: status.signalsBlocked),
            pending: SignalSet(bits: status.signalsPending))
    }

    /// The set that a thread in rt_sigtimedwait waits for: meanwhile the kernel shows it as not blocked.
    /// - Parameter call: the file `syscall`.
    private func awaitedSignals(of pid: Int32, thread: Int32, in call: UnsafeBufferPointer<UInt8>) -> SignalSet? {
        var scanner = ByteScanner(call)
        guard scanner.decimal() == SystemCallNumber.signalWait, scanner.skip(" 0x"),
            let address = scanner.hexadecimal(), address > 0,
            let words = try? ProcFile.read(path(of: pid, thread: thread) + "/mem", at: address, count: 8)
        else { return nil }
        return SignalSet(bits: words.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) })
    }

    /// The union of the sets of its signalfds; nil where its descriptors may not be read.
    private func signalsReadThroughDescriptors(of pid: Int32) -> SignalSet? {
        let base = path(of: pid)
        guard let names = try? ProcFile.entries(base + "/fd", limit: Limit.descriptors) else { return nil }
        let mark = Array("anon_inode:[signalfd]".utf8)
        var result = SignalSet()
        for name in names {
            let number = String(decoding: name, as: UTF8.self)
            guard let link = try? ProcFile.link("\(base)/fd/\(number)"), link == mark,
                let bytes = try? ProcFile.read("\(base)/fdinfo/\(number)", limit: Limit.small)
            else { continue }
            bytes.withUnsafeBufferPointer { buffer in
                var scanner = ByteScanner(buffer)
                while var line = scanner.line() {
                    if line.skip("sigmask:") { result.bits |= line.blankThenHexadecimal() ?? 0 }
                }
            }
        }
        return result
    }

    /// Whether no process of the group has a parent of the same session outside of the group; nil where that cannot be told.
    private func isOrphaned(group: Int32, session: Int32) -> Bool? {
        guard group > 0, let pids = try? processIDs() else { return nil }
        var stats: [Int32: ProcessStat] = [:]
        for pid in pids { stats[pid] = try? stat(of: pid) }
        let hasOutsideParent = stats.values.contains { member in
            guard member.processGroup == group, !member.isZombie, let parent = stats[member.parent],
                parent.pid != 1
            else { return false }
            return parent.processGroup != group && parent.session == session
        }
        return !hasOutsideParent
    }
}
