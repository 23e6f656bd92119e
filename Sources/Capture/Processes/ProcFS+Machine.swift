import Glibc
package import Model

extension ProcFS {
    /// What turns the numbers in `stat` into times, shares and names. What cannot be read is left as it is.
    package func machineFacts() -> MachineFacts {
        var facts = MachineFacts()
        facts.ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        facts.pageBytes = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        facts.now = Int64(time(nil))
        facts.uptime = uptime()
        // Of the thread that runs just now this is the present.
        facts.schedulerSeconds = (try? ProcFile.read(root + "/thread-self/sched", limit: Limit.small)).flatMap {
            bytes in
            bytes.withUnsafeBufferPointer { ProcessReader.lastRan($0) }
        }
        facts.bootTime = lineNumber("btime ", in: "stat").flatMap { Int64(exactly: $0) }
        facts.memoryBytes = lineNumber("MemTotal:", in: "meminfo").map { $0 &* 1024 }
        facts.countsDelays = number(inFile: root + "/sys/kernel/task_delayacct").map { $0 != 0 }
        facts.processLimit = number(inFile: root + "/sys/kernel/pid_max") ?? facts.processLimit
        facts.users = ProcFS.names((try? ProcFile.read(systemRoot + "/etc/passwd", limit: Limit.names)) ?? [])
        facts.groups = ProcFS.names((try? ProcFile.read(systemRoot + "/etc/group", limit: Limit.names)) ?? [])
        facts.terminalDrivers = TerminalDriver.parse(
            (try? ProcFile.read(root + "/tty/drivers", limit: Limit.small)) ?? [])
        return facts
    }

    /// Seconds since boot, to hundredths.
    package func uptime() -> Double? {
        guard let bytes = try? ProcFile.read(root + "/uptime", limit: 64) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            guard let whole = scanner.decimal(), scanner.skip(UInt8(ascii: ".")), let part = scanner.decimal() else {
                return nil
            }
            return Double(whole) + Double(part % 100) / 100
        }
    }

    /// Switches of all processors since boot (man 5 proc_stat, ctxt).
    package func switchCount() -> UInt64? { lineNumber("ctxt ", in: "stat") }

    /// Processors that are on line (man 3 sysconf).
    package func processorCount() -> Int? {
        let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return count > 0 ? count : nil
    }

    /// The number behind the first line's start that fits.
    func lineNumber(_ start: StaticString, in file: String) -> UInt64? {
        guard let bytes = try? ProcFile.read(root + "/" + file, limit: Limit.names) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip(start) else { continue }
                line.skipBlanks()
                return line.decimal()
            }
            return nil
        }
    }

    /// Names by number of a passwd or group file (man 5 passwd): the first of each number counts.
    static func names(_ bytes: [UInt8]) -> [UInt32: String] {
        var result: [UInt32: String] = [:]
        let colon = UInt8(ascii: ":")
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard let name = line.upTo(colon), line.upTo(colon) != nil,
                    let number = line.decimal().flatMap({ UInt32(exactly: $0) }), result[number] == nil
                else { continue }
                result[number] = String(decoding: name, as: UTF8.self)
            }
        }
        return result
    }
}

extension TerminalDriver {
    /// `pty_slave            /dev/pts      136 0-1048575 pty:slave`
    static func parse(_ bytes: [UInt8]) -> [TerminalDriver] {
        var result: [TerminalDriver] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line(), result.count < 1024 {
                guard line.word() != nil, let path = line.word() else { continue }
                line.skipBlanks()
                guard path.starts(with: "/dev/".utf8), let major = line.decimal().flatMap({ UInt32(exactly: $0) })
                else { continue }
                line.skipBlanks()
                guard let first = line.decimal().flatMap({ UInt32(exactly: $0) }) else { continue }
                let last = line.skip(UInt8(ascii: "-")) ? line.decimal().flatMap { UInt32(exactly: $0) } : first
                guard let last, last >= first else { continue }
                result.append(
                    TerminalDriver(
                        name: String(decoding: path.dropFirst(5), as: UTF8.self), major: major, minors: first...last,
                        kind: line.word().map { String(decoding: $0, as: UTF8.self) } ?? ""))
            }
        }
        return result
    }
}
