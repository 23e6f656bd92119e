import Kernel
import Model
import SystemPackage

extension ProcessReader {
    /// What the folder that was entered says without waiting for anyone; nil where the process is gone.
    /// - Parameter process: whose thread it is; itself for a process.
    func record(_ sources: ProcessSources, process: Int32) -> ProcessRecord? {
        guard case .success(let bytes) = read("stat"), let stat = ProcessStat(parsing: bytes) else { return nil }
        var record = ProcessRecord(stat: stat, processID: process)
        if sources.contains(.owner) { record.owner = owner() }
        return record
    }

    /// Adds the files that are read without waiting for anyone.
    func complete(_ record: inout ProcessRecord, _ sources: ProcessSources) {
        if sources.contains(.status), let bytes = take("status", .status, &record) {
            record.status = ProcessStatus(parsing: Array(bytes))
        }
        if sources.contains(.schedstat), let bytes = take("schedstat", .schedstat, &record) {
            record.runTimes = ProcessRecord.RunTimes(parsing: bytes)
        }
        if sources.contains(.waitChannel), let bytes = take("wchan", .waitChannel, &record) {
            record.waitChannel = Array(bytes)
        }
        if sources.contains(.controlGroups), let bytes = take("cgroup", .controlGroups, &record) {
            let lines = Array(bytes)
            record.controlGroups = lines
            record.containerBytes =
                CgroupMembership.parse(lines).lazy.compactMap { TargetResolver.container(in: $0.path, "") }.first
        }
        if sources.contains(.io), let bytes = take("io", .io, &record) {
            record.io = ProcessRecord.IO(parsing: bytes)
        }
        if isLive, sources.contains(.ioPriority) { record.ioPriority = try? IOPriority.ofThread(thread) }
        if isLive, sources.contains(.delays) {
            record.swapDelay = delays.swapDelay(of: thread)
            if record.swapDelay == nil { record.denied.insert(.delays) }
        }
        if sources.contains(.executable), !record.stat.isKernelThread {
            switch link("exe") {
            case .success(let bytes): record.executable = Array(bytes)
            case .failure(let error): note(error, .executable, &record)
            }
        }
        if sources.contains(.memoryPressure) {
            record.oomScore = take("oom_score", .memoryPressure, &record).flatMap(ProcessReader.number).map { Int($0) }
            record.oomAdjustment =
                take("oom_score_adj", .memoryPressure, &record).flatMap(ProcessReader.number).map { Int($0) }
        }
        if sources.contains(.autogroup), let bytes = take("autogroup", .autogroup, &record) {
            record.autogroup = ProcessRecord.Autogroup(parsing: bytes)
        }
        if sources.contains(.loginUser), let bytes = take("loginuid", .loginUser, &record) {
            // All ones stand for nobody.
            record.loginUser = ProcessReader.number(bytes).flatMap { UInt32(exactly: $0) }.flatMap {
                $0 == .max ? nil : $0
            }
        }
        if sources.contains(.lastRun), record.stat.isZombie || record.stat.isUninterruptible,
            let bytes = take("sched", .lastRun, &record)
        {
            record.lastRanSeconds = ProcessReader.lastRan(bytes)
        }
        if sources.contains(.namespaces) {
            record.namespaces = namespaces(ProcessRecord.Namespaces.Kind.allCases, &record)
        } else if sources.contains(.isolation) {
            record.namespaces = namespaces(ProcessRecord.Namespaces.Kind.isolating, &record)
        }
    }

    /// Adds a file whose reading waits for the process's memory lock. Kernel threads and the dead have none.
    func completeWaiting(_ record: inout ProcessRecord, _ sources: ProcessSources) {
        guard !record.stat.isKernelThread, !record.stat.isZombie else {
            if sources.contains(.arguments) { record.argumentBytes = [] }
            return
        }
        if sources.contains(.arguments), let bytes = take("cmdline", .arguments, &record) {
            record.argumentBytes = Array(bytes)
        }
        if sources.contains(.proportional), let bytes = take("smaps_rollup", .proportional, &record) {
            var scanner = ByteScanner(bytes)
            while var line = scanner.line() {
                if line.skip("Pss:") { record.proportionalBytes = line.blankThenKilobytes() }
            }
        }
    }

    private func take(
        _ file: StaticString, _ source: ProcessSources, _ record: inout ProcessRecord
    ) -> UnsafeBufferPointer<UInt8>? {
        switch read(file) {
        case .success(let bytes): return bytes
        case .failure(let error):
            note(error, source, &record)
            return nil
        }
    }

    private func note(_ error: Errno, _ source: ProcessSources, _ record: inout ProcessRecord) {
        if error == .permissionDenied || error == .notPermitted { record.denied.insert(source) }
    }

    private func namespaces(
        _ kinds: [ProcessRecord.Namespaces.Kind], _ record: inout ProcessRecord
    ) -> ProcessRecord.Namespaces {
        var result = ProcessRecord.Namespaces()
        for kind in kinds {
            switch link(ProcessReader.namespaceFile(kind)) {
            case .success(let bytes):
                // "pid:[4026531836]"
                var scanner = ByteScanner(bytes)
                if scanner.upTo(UInt8(ascii: "[")) != nil { result.inodes[kind] = scanner.decimal() }
            case .failure(let error): note(error, .namespaces, &record)
            }
        }
        return result
    }

    private static func namespaceFile(_ kind: ProcessRecord.Namespaces.Kind) -> StaticString {
        switch kind {
        case .cgroup: "ns/cgroup"
        case .ipc: "ns/ipc"
        case .mnt: "ns/mnt"
        case .net: "ns/net"
        case .pid: "ns/pid"
        case .time: "ns/time"
        case .user: "ns/user"
        case .uts: "ns/uts"
        }
    }

    /// `se.exec_start                                :       5030311.338598`, in milliseconds since boot.
    static func lastRan(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            guard line.skip("se.exec_start"), line.upTo(UInt8(ascii: ":")) != nil else { continue }
            line.skipBlanks()
            return line.decimal().map { Double($0) / 1000 }
        }
        return nil
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        var scanner = ByteScanner(bytes)
        return scanner.signedDecimal()
    }
}

extension ProcessRecord.RunTimes {
    /// `0 1001954 1` (Documentation/scheduler/sched-stats.rst)
    init?(parsing bytes: UnsafeBufferPointer<UInt8>) {
        var scanner = ByteScanner(bytes)
        guard let ran = scanner.decimal(), scanner.skip(UInt8(ascii: " ")), let waited = scanner.decimal(),
            scanner.skip(UInt8(ascii: " ")), let slices = scanner.decimal()
        else { return nil }
        self.init(ran: ran, waited: waited, slices: slices)
    }
}

extension ProcessRecord.IO {
    /// man 5 proc_pid_io
    init?(parsing bytes: UnsafeBufferPointer<UInt8>) {
        var scanner = ByteScanner(bytes)
        var read: UInt64?
        var written: UInt64?
        while var line = scanner.line() {
            if line.skip("read_bytes: ") { read = line.decimal() }
            if line.skip("write_bytes: ") { written = line.decimal() }
        }
        guard let read, let written else { return nil }
        self.init(readBytes: read, writtenBytes: written)
    }
}

extension ProcessRecord.Autogroup {
    /// `/autogroup-25 nice 0`
    init?(parsing bytes: UnsafeBufferPointer<UInt8>) {
        var scanner = ByteScanner(bytes)
        guard scanner.skip("/autogroup-"), let number = scanner.decimal(), scanner.skip(" nice "),
            let nice = scanner.signedDecimal().flatMap({ Int32(exactly: $0) })
        else { return nil }
        self.init(number: number, nice: nice)
    }
}
