package import Model
import SystemPackage

/// What the kernel says of processes, read from /proc (man 5 proc) or from a fixture folder of the same shape.
///
/// Every method reads anew: two answers are two moments. A process that is gone is `Failure(.noTarget)`, a missing
/// right `Failure(.notPermitted)` that names the right.
package struct ProcFS: Sendable {
    /// Where /proc is mounted.
    package let root: String
    /// What absolute paths found in /proc (mount points of control groups) lie under: empty on a live system.
    package let systemRoot: String

    package init(root: String = "/proc") {
        self.init(root: root, systemRoot: "")
    }

    /// A fixture: `root` holds the files of /proc, `systemRoot` what mountinfo's mount points lie in.
    package init(root: String, systemRoot: String) {
        self.root = root
        self.systemRoot = systemRoot
    }

    /// The process's PID, start time and name. `pid` may be a thread's number: it is taken as it is.
    package func identity(of pid: Int32) throws(Failure) -> ProcessIdentity {
        let stat = try stat(of: pid)
        return ProcessIdentity(pid: pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
    }

    /// `/proc/PID/stat`, or that of one thread.
    package func stat(of pid: Int32, thread: Int32? = nil) throws(Failure) -> ProcessStat {
        let bytes = try read("stat", of: pid, thread: thread, limit: Limit.small)
        guard let stat = ProcessStat(parsing: bytes) else { throw misread("stat", of: pid) }
        return stat
    }

    /// `/proc/PID/status`, or that of one thread.
    package func status(of pid: Int32, thread: Int32? = nil) throws(Failure) -> ProcessStatus {
        let bytes = try read("status", of: pid, thread: thread, limit: Limit.small)
        guard let status = ProcessStatus(parsing: bytes) else { throw misread("status", of: pid) }
        return status
    }

    /// `/proc/PID/maps` in ascending order, without overlaps: a line that is none, or that overlaps the one before (the
    /// kernel hands the file out in pieces while the target maps on), is left out.
    package func mappings(of pid: Int32) throws(Failure) -> [Mapping] {
        Mapping.parse(maps: try read("maps", of: pid, limit: Limit.maps))
    }

    /// All thread identifiers in ascending order. The first is not always the main thread's: that one may have ended.
    package func threadIDs(of pid: Int32) throws(Failure) -> [Int32] {
        let path = path(of: pid) + "/task"
        do {
            return try ProcFile.numbers(path, limit: Limit.threads).sorted()
        } catch {
            throw failure(error, reading: "task", of: pid)
        }
    }

    /// The name of one thread, raw bytes; empty where the thread is gone.
    package func threadName(of pid: Int32, thread: Int32) -> [UInt8] {
        guard let bytes = try? ProcFile.read(path(of: pid, thread: thread) + "/comm", limit: 64) else { return [] }
        return Array(bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...])
    }

    /// The numbers of all processes that can be seen, in ascending order.
    package func processIDs() throws(Failure) -> [Int32] {
        do {
            return try ProcFile.numbers(root, limit: Limit.processes).sorted()
        } catch {
            throw Failure(
                .internal, what: "cannot read \(root): \(error)", subject: root, remedy: "mount -t proc proc /proc")
        }
    }

    /// The children of a process, of all its threads, in ascending order.
    ///
    /// From `task/TID/children` where the kernel has it (CONFIG_PROC_CHILDREN), else by a look at all processes.
    package func children(of pid: Int32) throws(Failure) -> [Int32] {
        var result: Set<Int32> = []
        var supported = false
        for thread in try threadIDs(of: pid) {
            let path = path(of: pid, thread: thread) + "/children"
            guard let bytes = try? ProcFile.read(path, limit: Limit.maps) else { continue }
            supported = true
            bytes.withUnsafeBufferPointer { buffer in
                var scanner = ByteScanner(buffer)
                while let child = scanner.blankThenInt32() { result.insert(child) }
            }
        }
        if supported { return result.sorted() }
        return try processIDs().filter { candidate in (try? stat(of: candidate))?.parent == pid }
    }

    /// The program's arguments as bytes; empty for a kernel thread, a zombie, or where they cannot be read, be it that the
    /// process's memory map stays locked. At most the first 128 KiB: a target may make them as long as it likes.
    package func arguments(of pid: Int32) -> [[UInt8]] {
        guard let record = try? scan(.init([.arguments], processes: [pid])).records.first,
            let bytes = record.argumentBytes
        else { return [] }
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts
    }

    /// The identity of one of the process's namespaces (`pid`, `mnt`, `user`, `net`, `cgroup`), as the kernel writes it
    /// ("pid:[4026531836]"); nil where it cannot be read.
    package func namespace(_ kind: String, of pid: Int32) -> String? {
        (try? ProcFile.link(path(of: pid) + "/ns/" + kind)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// `kernel.yama.ptrace_scope` (0…3); nil where the kernel has no Yama.
    package func ptraceScope() -> Int? {
        number(inFile: root + "/sys/kernel/yama/ptrace_scope").flatMap { Int(exactly: $0) }
    }
}

extension ProcFS {
    /// Bounds on what is read at all. Larger files are cut there.
    enum Limit {
        static let small = 64 * 1024
        /// The kernel's bound on mappings (vm.max_map_count) can be raised to millions; 256 MiB hold about 2.5 million.
        static let maps = 256 * 1024 * 1024
        static let threads = 4 * 1024 * 1024
        static let processes = 4 * 1024 * 1024
        static let descriptors = 4 * 1024 * 1024
        static let names = 16 * 1024 * 1024
    }

    func path(of pid: Int32, thread: Int32? = nil) -> String {
        if let thread { return "\(root)/\(pid)/task/\(thread)" }
        return "\(root)/\(pid)"
    }

    func read(_ file: String, of pid: Int32, thread: Int32? = nil, limit: Int) throws(Failure) -> [UInt8] {
        do {
            return try ProcFile.read(path(of: pid, thread: thread) + "/" + file, limit: limit)
        } catch {
            throw failure(error, reading: file, of: pid)
        }
    }

    /// The number that a file holds alone; nil where there is no such file or no number in it.
    func number(inFile path: String) -> UInt64? {
        guard let bytes = try? ProcFile.read(path, limit: 64) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            return scanner.decimal()
        }
    }

    /// A decimal number that is all of a directory entry's name.
    static func number(_ name: [UInt8]) -> Int32? {
        name.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            guard let value = scanner.decimal(), scanner.isAtEnd else { return nil }
            return Int32(exactly: value)
        }
    }

    func failure(_ error: Errno, reading file: String, of pid: Int32) -> Failure {
        switch error {
        case .noSuchFileOrDirectory, .noSuchProcess:
            return Failure(
                .noTarget, what: "there is no process \(pid), or it went away", subject: "\(pid)",
                remedy: "look for it with: ps -e")
        case .permissionDenied, .notPermitted:
            return Failure(
                .notPermitted,
                what: "may not read \(root)/\(pid)/\(file): that needs the process's own user, or "
                    + "CAP_SYS_PTRACE", subject: "\(pid)",
                remedy: "run nusu as the user of process \(pid), or as root: sudo nusu …")
        default:
            return Failure(
                .internal, what: "cannot read \(root)/\(pid)/\(file): \(error)", subject: "\(pid)",
                remedy: "try again; if it stays so, report it with the output of: uname -r")
        }
    }

    private func misread(_ file: String, of pid: Int32) -> Failure {
        Failure(
            .internal, what: "cannot understand \(root)/\(pid)/\(file)", subject: "\(pid)",
            remedy: "report it with that file and the output of: uname -r")
    }
}
