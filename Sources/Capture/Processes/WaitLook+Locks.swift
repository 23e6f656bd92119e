import Model

/// Who holds what a thread waits for in memory (man 2 futex). The kernel does not know; the lock itself often says:
///
/// * A PI lock and a robust one have the owner's number in the word (FUTEX_TID_MASK); so have musl's.
/// * glibc's mutex has it two words behind (glibc 2.36, sysdeps/nptl/bits/struct_mutex.h: __lock 0, __count 4, __owner 8,
///   __nusers 12, __kind 16), and waits for the value 2.
/// * glibc's lock for readers and a writer has the writer's (bits/struct_rwlock.h: __wrphase_futex 8, __writers_futex 12,
///   __cur_writer 24), and waits for it with the value 3.
/// * pthread_join waits for the word that holds the number of the thread, and since glibc 2.43 for its state in the thread's
///   descriptor, which holds the number elsewhere (nptl/descr.h: tid at 0x2d0, behind it joinstate).
///
/// What these words say is believed only of a thread that is there and can reach the lock.
extension WaitLook {
    private enum Operation {
        static let wait: UInt64 = 0
        static let lockPriority: UInt64 = 6
        static let waitBits: UInt64 = 9
        static let lockPriority2: UInt64 = 13
        static let isPrivate: UInt64 = 128
        static let kinds: UInt64 = 127
        /// A word's bits: others wait; the owner's number.
        static let hasWaiters: UInt32 = 0x8000_0000
        static let owner: UInt32 = 0x3fff_ffff
        /// musl's mutex without an owner: EBUSY, and others wait.
        static let busy: UInt32 = 0x8000_0010
    }

    func takeFutex(_ call: ProcFS.SystemCall, _ reason: inout WaitReason) {
        var lock = MemoryLock()
        defer { reason.cause = .memoryLock(lock) }
        guard call.arguments.count >= 4 else { return }
        let pid = reason.process.pid
        let address = call.arguments[0]
        reason.hasTimeout = call.arguments[3] != 0
        let isPrivate = call.arguments[1] & Operation.isPrivate != 0
        let file = isPrivate ? nil : sharedFile(at: address, of: pid)
        lock.isShared = file != nil
        guard let claim = claim(call, of: pid),
            // Both were read at one moment only if the thread is still where it was.
            procfs.currentCall(of: pid, thread: reason.thread) == call
        else { return }
        if let owner = thread(numbered: claim.number, for: pid, sharing: file) {
            guard owner.thread != reason.thread || claim.kind == .owned else { return }
            lock.kind = claim.kind
            reason.awaited = [owner]
        } else if claim.kind == .owned, claim.isSure {
            lock.kind = .owned
            lock.missingOwner = claim.number
        }
    }

    private struct Claim {
        var number: Int32
        var kind = MemoryLock.Kind.owned
        /// The words around have the form of a lock: they are none by chance.
        var isSure = false
    }

    private func claim(_ call: ProcFS.SystemCall, of pid: Int32) -> Claim? {
        let operation = call.arguments[1] & Operation.kinds
        guard let words = words(of: pid, at: call.arguments[0]) else { return nil }
        let awaited = UInt32(truncatingIfNeeded: call.arguments[2])
        func claim(_ number: UInt32, kind: MemoryLock.Kind = .owned, isSure: Bool) -> Claim? {
            let number = Int32(number & Operation.owner)
            return number > 0 ? Claim(number: number, kind: kind, isSure: isSure) : nil
        }
        switch operation {
        case Operation.lockPriority, Operation.lockPriority2: return claim(words[0], isSure: true)
        case Operation.wait, Operation.waitBits:
            if awaited & Operation.hasWaiters != 0 {
                let isRobust = words[2] == words[0] & Operation.owner && words[4] & ~0x3ff == 0
                return awaited == Operation.busy ? nil : claim(words[0], isSure: isRobust)
            }
            if awaited == 2 {
                // Its users are counted, and its kind has no bits but those of glibc's.
                let isMutex = words[0] == 2 && words[3] > 0 && words[3] < 1 << 22 && words[4] & ~0x3ff == 0
                if isMutex { return claim(words[2], isSure: true) }
            }
            if awaited == 3 { return claim(words[3] != 0 ? words[3] : words[4], isSure: false) }
            guard awaited == words[0] else { return nil }
            // THREAD_STATE_EXITING, THREAD_STATE_JOINABLE
            let isState = awaited == 1 || awaited == 2
            let state = isState ? threadWithState(at: call.arguments[0], of: pid) : nil
            if awaited == 2, state == nil { return nil }
            return claim(state ?? awaited, kind: .thread, isSure: false)
        default: return nil
        }
    }

    /// The number of the thread in whose descriptor (glibc's `struct pthread`) `address` lies: the descriptor's first and third
    /// word point to itself.
    private func threadWithState(at address: UInt64, of pid: Int32) -> UInt32? {
        let number: UInt64 = 0x2d0
        let size: UInt64 = 0x900
        guard address > size else { return nil }
        let lower = (address - size) & ~63
        guard let bytes = memory(of: pid, at: lower, count: Int(address - lower)) else { return nil }
        return bytes.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
            let last = bytes.count - Int(number) - 8
            guard last >= 0 else { return nil }
            for offset in stride(from: last & ~63, through: 0, by: -64) {
                let base = lower + UInt64(offset)
                guard word(offset) == base, word(offset + 16) == base else { continue }
                return bytes.loadUnaligned(fromByteOffset: offset + Int(number), as: UInt32.self)
            }
            return nil
        }
    }

    /// Five words; those that cannot be read are 0. nil where there is not even the first.
    private func words(of pid: Int32, at address: UInt64) -> [UInt32]? {
        guard let bytes = memory(of: pid, at: address, count: 20) ?? memory(of: pid, at: address, count: 4) else {
            return nil
        }
        return bytes.withUnsafeBytes { bytes in
            (0..<5).map { $0 * 4 + 4 <= bytes.count ? bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) : 0 }
        }
    }

    /// What lies behind an address that other processes may share; nil where it is the process's own.
    private func sharedFile(at address: UInt64, of pid: Int32) -> Mapping.FileID? {
        let mapping = mappings(of: pid).first { $0.range.lower <= address && address < $0.range.upper }
        return mapping?.permissions.contains(.shared) == true ? mapping?.file : nil
    }

    /// The living thread of that number, as the process's PID namespace counts: one of its own, or one of another process
    /// that has the same file in its memory.
    private func thread(numbered number: Int32, for pid: Int32, sharing file: Mapping.FileID?) -> WaitReason.Awaited? {
        let isOuter = (try? procfs.status(of: pid).namespacePids.count) ?? 1 <= 1
        // A process may have thousands of threads that all wait: the list of them is not read for each.
        if let thread = isOuter ? number : self.thread(numberedInside: number, of: pid), isAlive(thread, of: pid),
            let process = identity(pid)
        {
            return WaitReason.Awaited(process, thread: thread)
        }
        guard let file else { return nil }
        let candidates: [(process: Int32, thread: Int32)] = isOuter ? outer(number) : inner(number, besides: pid)
        let found = candidates.first { candidate in
            isAlive(candidate.thread, of: candidate.process)
                && mappings(of: candidate.process).contains { $0.permissions.contains(.shared) && $0.file == file }
        }
        return found.flatMap { found in identity(found.process).map { WaitReason.Awaited($0, thread: found.thread) } }
    }

    /// A thread of the process by its number in the process's own PID namespace.
    private func thread(numberedInside number: Int32, of pid: Int32) -> Int32? {
        var numbers = insideNumbers[pid] ?? [:]
        if let known = numbers[number] {
            if isAlive(known, of: pid) { return known }
            numbers[number] = nil
        }
        // A thread keeps its number: only those are asked that have come since the last look.
        let asked = Set(numbers.values)
        for thread in (try? procfs.threadIDs(of: pid)) ?? [] where !asked.contains(thread) {
            if let inside = try? procfs.status(of: pid, thread: thread).namespacePids.last { numbers[inside] = thread }
        }
        insideNumbers[pid] = numbers
        return numbers[number]
    }

    private func isAlive(_ thread: Int32, of pid: Int32) -> Bool {
        (try? procfs.stat(of: pid, thread: thread))?.isZombie == false
    }

    private func outer(_ number: Int32) -> [(process: Int32, thread: Int32)] {
        (try? procfs.status(of: number)).map { [($0.processID, number)] } ?? []
    }

    /// In a container the same number is another one outside.
    private func inner(_ number: Int32, besides pid: Int32) -> [(process: Int32, thread: Int32)] {
        let namespace = procfs.namespace("pid", of: pid)
        var result: [(process: Int32, thread: Int32)] = []
        for other in (try? procfs.processIDs()) ?? [] where other != pid {
            guard namespace != nil, procfs.namespace("pid", of: other) == namespace else { continue }
            for thread in (try? procfs.threadIDs(of: other)) ?? [] {
                let last = try? procfs.status(of: other, thread: thread).namespacePids.last
                if last == number { result.append((other, thread)) }
            }
        }
        return result
    }
}
