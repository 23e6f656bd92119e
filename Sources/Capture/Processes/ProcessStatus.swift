/// The fields of `/proc/PID/status` that nusu uses (man 5 proc_pid_status). A field that this kernel lacks, or that a
/// process without memory lacks (kernel threads, zombies), is nil or empty.
package struct ProcessStatus: Hashable, Sendable {
    package struct Owner: Hashable, Sendable {
        package var real: UInt32
        package var effective: UInt32
        package var saved: UInt32
    }

    /// The process that a thread belongs to; its own number for a main thread.
    package private(set) var processID: Int32 = 0
    /// 0: nobody traces it.
    package private(set) var tracerPid: Int32 = 0
    package private(set) var user = Owner(real: 0, effective: 0, saved: 0)
    package private(set) var group = Owner(real: 0, effective: 0, saved: 0)
    /// The process's number in each pid namespace it is in, from the one /proc belongs to down to its own.
    package private(set) var namespacePids: [Int32] = []
    /// VmSize.
    package private(set) var virtualBytes: UInt64?
    /// VmRSS: as the kernel counts it, exact to a few pages per processor.
    package private(set) var residentBytes: UInt64?
    /// RssAnon.
    package private(set) var anonymousResidentBytes: UInt64?
    /// RssShmem.
    package private(set) var sharedResidentBytes: UInt64?
    /// VmSwap.
    package private(set) var swappedBytes: UInt64?
    /// VmPTE.
    package private(set) var pageTableBytes: UInt64?
    /// VmLck: locked in memory; a forked child's copy is not.
    package private(set) var lockedBytes: UInt64?
    package private(set) var threadCount: Int?
    /// Bit n-1 stands for signal n. Of the thread, of the whole process, blocked, ignored, caught.
    package private(set) var signalsPending: UInt64 = 0
    package private(set) var signalsPendingShared: UInt64 = 0
    package private(set) var signalsBlocked: UInt64 = 0
    package private(set) var signalsIgnored: UInt64 = 0
    package private(set) var signalsCaught: UInt64 = 0
    /// CapEff: bit n stands for capability n (include/uapi/linux/capability.h).
    package private(set) var effectiveCapabilities: UInt64 = 0
    /// 0 none, 1 strict, 2 filter; nil where the kernel has no seccomp.
    package private(set) var seccompMode: Int32?
    /// The thread runs with a shadow stack (x86_Thread_features: shstk): returning through a made-up frame would end it.
    package private(set) var shadowStack = false

    /// CAP_SYS_PTRACE in the effective set.
    package var mayTraceOthers: Bool { effectiveCapabilities & (1 << 19) != 0 }

    /// nil when the bytes do not hold at least the fields that every kernel writes (Tgid, TracerPid, Uid, Gid).
    package init?(parsing bytes: [UInt8]) {
        var seen = 0
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard let key = line.upTo(UInt8(ascii: ":")) else { continue }
                if take(String(decoding: key, as: UTF8.self), &line) { seen += 1 }
            }
        }
        guard seen == 4 else { return nil }
    }

    /// Returns whether the line was one of the four that must be there.
    private mutating func take(_ key: String, _ line: inout ByteScanner) -> Bool {
        switch key {
        case "Tgid":
            guard let value = line.blankThenInt32() else { return false }
            processID = value
            return true
        case "TracerPid":
            guard let value = line.blankThenInt32() else { return false }
            tracerPid = value
            return true
        case "Uid":
            guard let owner = ProcessStatus.owner(&line) else { return false }
            user = owner
            return true
        case "Gid":
            guard let owner = ProcessStatus.owner(&line) else { return false }
            group = owner
            return true
        case "NSpid": while let pid = line.blankThenInt32() { namespacePids.append(pid) }
        case "VmSize": virtualBytes = line.blankThenKilobytes()
        case "VmRSS": residentBytes = line.blankThenKilobytes()
        case "RssAnon": anonymousResidentBytes = line.blankThenKilobytes()
        case "RssShmem": sharedResidentBytes = line.blankThenKilobytes()
        case "VmSwap": swappedBytes = line.blankThenKilobytes()
        case "VmPTE": pageTableBytes = line.blankThenKilobytes()
        case "VmLck": lockedBytes = line.blankThenKilobytes()
        case "Threads": threadCount = line.blankThenInt32().map { Int($0) }
        case "SigPnd": signalsPending = line.blankThenHexadecimal() ?? 0
        case "ShdPnd": signalsPendingShared = line.blankThenHexadecimal() ?? 0
        case "SigBlk": signalsBlocked = line.blankThenHexadecimal() ?? 0
        case "SigIgn": signalsIgnored = line.blankThenHexadecimal() ?? 0
        case "SigCgt": signalsCaught = line.blankThenHexadecimal() ?? 0
        case "CapEff": effectiveCapabilities = line.blankThenHexadecimal() ?? 0
        case "Seccomp": seccompMode = line.blankThenInt32()
        case "x86_Thread_features":
            while let word = line.word() { if word.elementsEqual("shstk".utf8) { shadowStack = true } }
        default: break
        }
        return false
    }

    private static func owner(_ line: inout ByteScanner) -> Owner? {
        func next() -> UInt32? {
            line.skipBlanks()
            return line.decimal().flatMap { UInt32(exactly: $0) }
        }
        guard let real = next(), let effective = next(), let saved = next() else { return nil }
        return Owner(real: real, effective: effective, saved: saved)
    }
}
