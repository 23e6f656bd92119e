package import Model

extension ProcFS {
    /// Why a process waits, and why those do for whom it waits, the target first. At most `limit` processes.
    package func waits(from pid: Int32, limit: Int = 32) -> [WaitReason] {
        var result: [WaitReason] = []
        var queue = [pid]
        var seen: Set<Int32> = [pid]
        var next = 0
        // Who holds the pipes is found by one look at all descriptors, and only if it is asked for.
        let holders = PipeHolders(self)
        while next < queue.count, result.count < limit {
            if let reason = waitReason(of: queue[next], holders) {
                result.append(reason)
                queue += reason.awaited.filter { seen.insert($0).inserted }
            }
            next += 1
        }
        return result
    }

    private func waitReason(of pid: Int32, _ holders: PipeHolders) -> WaitReason? {
        guard let stat = try? stat(of: pid) else { return nil }
        let identity = ProcessIdentity(pid: pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
        var reason = WaitReason(process: identity, state: stat.state, cause: .other)
        reason.channel = waitChannel(of: pid)
        reason.isSingleThreaded = stat.threadCount == 1
        switch stat.state {
        case UInt8(ascii: "R"): reason.cause = .running
        case UInt8(ascii: "Z"), UInt8(ascii: "X"):
            reason.cause = .zombie(parent: stat.parent)
        case UInt8(ascii: "T"): reason.cause = .stopped
        case UInt8(ascii: "t"): reason.cause = .tracer(pid: (try? status(of: pid).tracerPid) ?? 0)
        default: takeCall(of: pid, stat, &reason, holders)
        }
        return reason
    }

    private func takeCall(of pid: Int32, _ stat: ProcessStat, _ reason: inout WaitReason, _ holders: PipeHolders) {
        guard !stat.isKernelThread else { return }
        let lockHolders = fileLockHolders(awaitedBy: pid)
        guard let call = currentCall(of: pid, thread: pid) else {
            reason.cause = .notPermitted
            if !lockHolders.isEmpty { (reason.cause, reason.awaited) = (.fileLock, lockHolders) }
            return
        }
        guard let number = call.number, let known = WaitingCall.number(number) else {
            reason.call = call.number.map { "system call \($0)" }
            // vfork is made of clone by today's C libraries.
            if reason.channel?.hasPrefix("vfork") == true || stat.isUninterruptible,
                call.number == 56 || call.number == 435
            {
                (reason.cause, reason.awaited) = (.child, livingChildren(of: pid))
            } else if call.number == nil {
                reason.cause = .running
            }
            return
        }
        reason.call = known.name
        let descriptor = call.arguments.first.flatMap { Int32(exactly: $0) }
        switch known.kind {
        case .read, .write, .descriptor:
            reason.descriptor = descriptor
            takeDescriptor(descriptor, of: pid, isReading: known.kind == .read, &reason, holders)
        case .several: reason.cause = .descriptors
        case .child:
            reason.cause = .child
            // wait4's first argument: a PID, or -1 for any.
            let wanted = known.name == "wait4" ? descriptor.flatMap { $0 > 0 ? [$0] : nil } : nil
            reason.awaited = wanted ?? livingChildren(of: pid)
        case .timer: reason.cause = .timer
        case .signal: reason.cause = .signal
        case .lock: reason.cause = .memoryLock
        case .fileLock:
            reason.descriptor = descriptor
            (reason.cause, reason.awaited) = (.fileLock, lockHolders)
        case .other: break
        }
    }

    private func takeDescriptor(
        _ descriptor: Int32?, of pid: Int32, isReading: Bool, _ reason: inout WaitReason, _ holders: PipeHolders
    ) {
        guard let descriptor, let target = try? ProcFile.link("\(path(of: pid))/fd/\(descriptor)") else { return }
        reason.cause = .descriptor(target: target)
        guard let inode = ProcFS.pipeInode(target) else { return }
        reason.cause = .pipe(inode: inode, isReading: isReading)
        reason.awaited = holders.of(inode, writing: isReading).filter { $0 != pid }
    }

    static func pipeInode(_ target: [UInt8]) -> UInt64? {
        target.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            return scanner.skip("pipe:[") ? scanner.decimal() : nil
        }
    }

    private func livingChildren(of pid: Int32) -> [Int32] {
        ((try? children(of: pid)) ?? []).filter { (try? stat(of: $0))?.isZombie == false }
    }

    struct SystemCall {
        /// nil: in user code, or running.
        var number: Int?
        var arguments: [UInt64] = []
    }

    /// nil where it may not be seen.
    func currentCall(of pid: Int32, thread: Int32) -> SystemCall? {
        guard let bytes = try? read("syscall", of: pid, thread: thread, limit: 512) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            // "running", or "-1 SP PC" outside of any call.
            guard let number = scanner.decimal() else { return SystemCall() }
            var call = SystemCall(number: Int(clamping: number))
            while call.arguments.count < 6, scanner.skip(" 0x"), let argument = scanner.hexadecimal() {
                call.arguments.append(argument)
            }
            return call
        }
    }

    /// nil where it may not be seen, or the thread runs.
    func waitChannel(of pid: Int32, thread: Int32? = nil) -> String? {
        guard let bytes = try? read("wchan", of: pid, thread: thread, limit: 256), bytes != [UInt8(ascii: "0")],
            !bytes.isEmpty
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `1: FLOCK  ADVISORY  WRITE 812 fe:00:16220202 0 EOF`, and below it `1: -> FLOCK … 913 …` for who waits for it.
    private func fileLockHolders(awaitedBy pid: Int32) -> [Int32] {
        let bytes = (try? ProcFile.read(root + "/locks", limit: Limit.maps)) ?? []
        return ProcFS.lockHolders(parsing: bytes, awaitedBy: pid)
    }

    static func lockHolders(parsing bytes: [UInt8], awaitedBy pid: Int32) -> [Int32] {
        var result: [Int32] = []
        var holder: Int32?
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.word() != nil, var word = line.word() else { continue }
                let isWaiting = word.elementsEqual("->".utf8)
                if isWaiting {
                    guard let kind = line.word() else { continue }
                    word = kind
                }
                guard line.word() != nil, line.word() != nil, let owner = line.blankThenInt32() else { continue }
                if !isWaiting {
                    holder = owner
                } else if owner == pid, let holder, holder > 0, holder != pid {
                    result.append(holder)
                }
            }
        }
        return result
    }
}

/// Which processes have which ends of which pipes open.
private final class PipeHolders {
    private let procfs: ProcFS
    private lazy var ends = look()

    init(_ procfs: ProcFS) { self.procfs = procfs }

    func of(_ inode: UInt64, writing: Bool) -> [Int32] {
        (ends[inode] ?? []).filter { writing ? $0.writes : $0.reads }.map(\.pid)
    }

    private struct End {
        var pid: Int32
        var reads: Bool
        var writes: Bool
    }

    private func look() -> [UInt64: [End]] {
        var result: [UInt64: [End]] = [:]
        for pid in (try? procfs.processIDs()) ?? [] {
            let base = procfs.path(of: pid)
            var own: [UInt64: End] = [:]
            for name in (try? ProcFile.entries(base + "/fd", limit: ProcFS.Limit.descriptors)) ?? [] {
                let number = String(decoding: name, as: UTF8.self)
                guard let target = try? ProcFile.link("\(base)/fd/\(number)"), let inode = ProcFS.pipeInode(target)
                else { continue }
                let mode = accessMode("\(base)/fdinfo/\(number)")
                var end = own[inode] ?? End(pid: pid, reads: false, writes: false)
                end.reads = end.reads || mode != 1
                end.writes = end.writes || mode != 0
                own[inode] = end
            }
            for (inode, end) in own { result[inode, default: []].append(end) }
        }
        return result
    }

    /// O_RDONLY 0, O_WRONLY 1, O_RDWR 2: the last octal digit of `flags`.
    private func accessMode(_ path: String) -> UInt8 {
        let bytes = (try? ProcFile.read(path, limit: 512)) ?? []
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                if line.skip("flags:"), let word = line.word(), let last = word.last {
                    return (last &- UInt8(ascii: "0")) & 3
                }
            }
            return 0
        }
    }
}
