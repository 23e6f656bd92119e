/// The fields of `/proc/PID/stat` that nusu uses (man 5 proc_pid_stat).
package struct ProcessStat: Hashable, Sendable {
    package let pid: Int32
    /// The command name, raw: it may hold blanks, newlines and parentheses.
    package let commandBytes: [UInt8]
    /// One ASCII letter: `R` running, `S` sleeping, `D` in the kernel, `T` stopped, `t` traced, `Z` zombie, `X` dead, `I` idle.
    package let state: UInt8
    package let parent: Int32
    package let processGroup: Int32
    package let session: Int32
    /// The kernel's PF_ flags (include/linux/sched.h).
    package let flags: UInt32
    /// 0 for a process that has ended.
    package let threadCount: Int
    /// Clock ticks since boot.
    package let startTicks: UInt64
    package let virtualBytes: UInt64
    /// Pages of the machine's page size; approximate (man 5 proc_pid_stat).
    package let residentPages: UInt64
    /// The signal that the parent gets when this process ends (field 38); 0 or -1 for none.
    package let exitSignal: Int32

    /// PF_KTHREAD: a thread of the kernel, which has no memory of its own.
    package var isKernelThread: Bool { flags & 0x0020_0000 != 0 }
    package var isZombie: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    /// Stopped by a signal (Ctrl+Z, SIGSTOP), not by a tracer.
    package var isStopped: Bool { state == UInt8(ascii: "T") }

    /// nil when the bytes are not such a file, or one cut short.
    package init?(parsing bytes: [UInt8]) {
        // The name may itself hold ") R 1": only the last parenthesis is the kernel's, since no field behind it has one.
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
        else { return nil }
        let fields: [Int64]? = bytes[(close + 1)...].withUnsafeBufferPointer { buffer in
            ProcessStat.numbers(from: buffer)
        }
        let pid = bytes[..<open].withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            return scanner.blankThenInt32()
        }
        // `fields` starts with the state, field 3 of the manual: field N is at N - 3.
        guard let pid, let fields, fields.count >= 36,
            let state = UInt8(exactly: fields[0]),
            let parent = Int32(exactly: fields[1]),
            let processGroup = Int32(exactly: fields[2]),
            let session = Int32(exactly: fields[3]),
            let exitSignal = Int32(exactly: fields[35])
        else { return nil }
        self.pid = pid
        self.commandBytes = Array(bytes[(open + 1)..<close])
        self.state = state
        self.parent = parent
        self.processGroup = processGroup
        self.session = session
        self.flags = UInt32(truncatingIfNeeded: fields[6])
        self.threadCount = Int(fields[17])
        self.startTicks = UInt64(bitPattern: fields[19])
        self.virtualBytes = UInt64(bitPattern: fields[20])
        self.residentPages = UInt64(bitPattern: fields[21])
        self.exitSignal = exitSignal
    }

    /// The state's letter and the numbers behind it, at most to field 52; nil when one is neither.
    private static func numbers(from buffer: UnsafeBufferPointer<UInt8>) -> [Int64]? {
        var scanner = ByteScanner(buffer)
        guard let state = scanner.word(), state.count == 1 else { return nil }
        var fields = [Int64(state[0])]
        while fields.count < 50 {
            scanner.skipBlanks()
            guard let next = scanner.peek, next != UInt8(ascii: "\n") else { break }
            if next == UInt8(ascii: "-") {
                guard let value = scanner.signedDecimal() else { return nil }
                fields.append(value)
            } else {
                // rsslim is all ones where there is no limit: wider than Int64.
                guard let value = scanner.decimal() else { return nil }
                fields.append(Int64(bitPattern: value))
            }
        }
        return fields
    }
}
