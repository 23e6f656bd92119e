package import Model

extension ProcessStatus {
    /// nil when the bytes do not hold at least the fields that every kernel writes (Tgid, TracerPid, Uid, Gid).
    package init?(parsing bytes: [UInt8]) {
        self.init()
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
        case "voluntary_ctxt_switches":
            line.skipBlanks()
            voluntarySwitches = line.decimal()
        case "nonvoluntary_ctxt_switches":
            line.skipBlanks()
            involuntarySwitches = line.decimal()
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
