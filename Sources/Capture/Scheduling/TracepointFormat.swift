import Kernel
import SystemPackage

/// Where the fields of a tracepoint's records lie, as its `format` file tells it (Documentation/trace/events.rst): kernels differ.
struct TracepointFormat: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var offset: Int
        var bytes: Int
    }

    var number: UInt64
    private var fields: [String: Field] = [:]

    /// nil where the bytes are no such file.
    init?(parsing bytes: [UInt8]) {
        var number: UInt64?
        var fields: [String: Field] = [:]
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line(), fields.count < 256 {
                if line.skip("ID: ") {
                    number = line.decimal()
                    continue
                }
                line.skipBlanks()
                guard line.skip("field:"), let declaration = line.upTo(UInt8(ascii: ";")) else { continue }
                line.skipBlanks()
                guard line.skip("offset:"), let offset = line.decimal(), line.skip(";") else { continue }
                line.skipBlanks()
                guard line.skip("size:"), let size = line.decimal(), offset < 4096, size <= 4096 else { continue }
                // `pid_t prev_pid`, `char comm[16]`.
                let words = declaration.split(separator: UInt8(ascii: " "))
                guard let name = words.last?.prefix(while: { $0 != UInt8(ascii: "[") }) else { continue }
                fields[String(decoding: name, as: UTF8.self)] = Field(offset: Int(offset), bytes: Int(size))
            }
        }
        guard let number, number <= UInt64(UInt16.max) else { return nil }
        self.number = number
        self.fields = fields
    }

    /// nil where there is no such field of so many bytes.
    func offset(of name: String, bytes: Int) -> Int? {
        guard let field = fields[name], field.bytes == bytes else { return nil }
        return field.offset
    }
}

/// The tracepoints of the scheduler that a trace uses, each with the fields that are read.
struct SchedulerTracepoints: Hashable, Sendable {
    /// A thread is woken (or is new), and by whom.
    struct Wakeup: Hashable, Sendable {
        var number: UInt16
        var thread: Int
        var core: Int
    }

    /// A thread leaves a core.
    struct Switch: Hashable, Sendable {
        var number: UInt16
        var thread: Int
        var state: Int
    }

    var waking: Wakeup
    var wakeupNew: Wakeup
    var migration: Wakeup
    var leaving: Switch

    /// Sleeps that are not S: bits of `prev_state` (include/linux/sched.h, since Linux 4.14). S is by far the most, and need not be
    /// recorded.
    static let unusualSleep = "prev_state & 254"

    /// - Parameter read: the bytes of a file below `events/sched`.
    /// Throws what reading throws; `.invalidArgument` where a file cannot be understood.
    init(_ read: (String) throws(Errno) -> [UInt8]) throws(Errno) {
        func format(_ name: String) throws(Errno) -> TracepointFormat {
            guard let format = TracepointFormat(parsing: try read(name + "/format")) else { throw .invalidArgument }
            return format
        }
        func wakeup(_ name: String, core: String) throws(Errno) -> Wakeup {
            let format = try format(name)
            guard let thread = format.offset(of: "pid", bytes: 4), let core = format.offset(of: core, bytes: 4) else {
                throw .invalidArgument
            }
            return Wakeup(number: UInt16(format.number), thread: thread, core: core)
        }
        waking = try wakeup("sched_waking", core: "target_cpu")
        wakeupNew = try wakeup("sched_wakeup_new", core: "target_cpu")
        migration = try wakeup("sched_migrate_task", core: "dest_cpu")
        let format = try format("sched_switch")
        guard let thread = format.offset(of: "prev_pid", bytes: 4),
            let state = format.offset(of: "prev_state", bytes: 8)
        else { throw .invalidArgument }
        leaving = Switch(number: UInt16(format.number), thread: thread, state: state)
    }

    /// From tracefs, wherever that is mounted; where it is not, from a mount that only nusu sees. Needs root.
    static func read() throws(Errno) -> SchedulerTracepoints {
        for folder in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
            do throws(Errno) { return try read(below: folder) } catch {
                if error != .noSuchFileOrDirectory { throw error }
            }
        }
        let mount = try DetachedMount("tracefs")
        return try read(below: mount.path)
    }

    private static func read(below folder: String) throws(Errno) -> SchedulerTracepoints {
        try SchedulerTracepoints { (name) throws(Errno) in
            try ProcFile.read("\(folder)/events/sched/\(name)", limit: ProcFS.Limit.small)
        }
    }
}
