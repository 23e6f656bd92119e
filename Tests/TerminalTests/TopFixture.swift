import Analysis
import Glibc
import Model
import Report

@testable import Terminal

/// A small machine, always the same: looks as the executable would hand them over.
enum TopFixture {
    static let facts: MachineFacts = {
        setenv("TZ", "UTC", 1)
        tzset()
        var facts = MachineFacts()
        facts.bootTime = 1_795_466_162
        facts.now = 1_795_466_162 + 400_000
        facts.uptime = 400_000
        facts.memoryBytes = 16 << 30
        facts.users = [0: "root", 33: "www-data", 1000: "ada", 70: "postgres"]
        facts.processLimit = 32768
        return facts
    }()

    static let context = ProcessContext(facts)

    struct Program {
        var pid: Int32
        var parent: Int32
        var words: [String]
        var user: UInt32 = 0
        var state: Character = "S"
        var cpu = 0.0
        var mebibytes: UInt64 = 4
        var threads = 1
        var isKernelThread = false
        var shortLived: ShortLivedWork.Share?
    }

    static let programs: [Program] = [
        Program(pid: 1, parent: 0, words: ["/sbin/init", "splash"], mebibytes: 12),
        Program(pid: 2, parent: 0, words: ["kthreadd"], mebibytes: 0, isKernelThread: true),
        Program(pid: 15, parent: 2, words: ["ksoftirqd/0"], cpu: 0.4, mebibytes: 0, isKernelThread: true),
        Program(pid: 412, parent: 1, words: ["/lib/systemd/systemd-journald"], mebibytes: 31),
        Program(pid: 601, parent: 1, words: ["/usr/sbin/cron", "-f"], mebibytes: 2),
        Program(pid: 655, parent: 1, words: ["sshd: /usr/sbin/sshd -D"], mebibytes: 8),
        Program(pid: 910, parent: 1, words: ["nginx: master process /usr/sbin/nginx"], mebibytes: 6),
        Program(
            pid: 911, parent: 910, words: ["nginx: worker process"], user: 33, state: "R", cpu: 12.3, mebibytes: 24),
        Program(pid: 912, parent: 910, words: ["nginx: worker process"], user: 33, cpu: 9.8, mebibytes: 24),
        Program(
            pid: 1234, parent: 1, words: ["/app/api", "--port", "8080"], user: 1000, cpu: 61, mebibytes: 748, threads: 9
        ),
        Program(
            pid: 1502, parent: 1, words: ["/usr/lib/postgresql/15/bin/postgres", "-D", "/var/lib/pg"], user: 70,
            mebibytes: 130),
        Program(
            pid: 1511, parent: 1502, words: ["postgres: ada shop [local] SELECT"], user: 70, state: "D", cpu: 33.4,
            mebibytes: 96),
        Program(pid: 20917, parent: 655, words: ["sshd: ada@pts/0"], user: 1000, mebibytes: 9),
        Program(pid: 20932, parent: 20917, words: ["-bash"], user: 1000, mebibytes: 5),
        Program(
            pid: 21188, parent: 20932, words: ["make", "-j4"], user: 1000, cpu: 88.2, mebibytes: 3,
            shortLived: ShortLivedWork.Share(
                cpuPercent: 86, count: 213,
                names: [
                    .init(commandBytes: Array("cc1plus".utf8), count: 71),
                    .init(commandBytes: Array("as".utf8), count: 71),
                ])),
        Program(
            pid: 21140, parent: 20932, words: ["vim", "notes\u{1b}[31m.md"], user: 1000, state: "T", mebibytes: 11),
        Program(
            pid: 9002, parent: 1, words: ["/usr/bin/python3", "-m", "worker", "가나다라"], user: 1000, mebibytes: 1300),
        Program(pid: 9417, parent: 9002, words: ["convert"], user: 1000, state: "Z", mebibytes: 0, threads: 0),
    ]

    static func row(_ program: Program) -> ProcessRow {
        var stat = ProcessStat()
        stat.pid = program.pid
        stat.parent = program.parent
        let name = program.words[0].split(separator: " ")[0].split(separator: "/").last ?? ""
        stat.commandBytes = Array(name.utf8.prefix(15))
        stat.state = program.state.asciiValue ?? 0
        stat.startTicks = UInt64(program.pid)
        stat.threadCount = program.threads
        stat.residentPages = program.mebibytes << 8
        stat.userTicks = UInt64(program.cpu * 1000)
        stat.flags = program.isKernelThread ? 0x0020_0000 : 0
        var record = ProcessRecord(stat: stat, processID: program.pid)
        record.owner = ProcessRecord.Owner(user: program.user, group: 0)
        record.argumentBytes =
            program.isKernelThread || program.state == "Z" ? [] : program.words.flatMap { Array($0.utf8) + [0] }
        var rates = ProcessRates(unattributedPercent: program.cpu - (program.shortLived?.cpuPercent ?? 0))
        if let share = program.shortLived { rates.add(share) }
        return ProcessRow(record: record, rates: rates, context: context)
    }

    /// The threads of those that have several: the first has the process's number, all but one of them sleep.
    static func threads(_ programs: [Program] = programs) -> [ProcessRow] {
        programs.filter { $0.threads > 1 && !$0.isKernelThread }.flatMap { program in
            (0..<program.threads).map { index in
                var row = row(program)
                row.record.isThread = true
                row.record.stat.pid = index == 0 ? program.pid : 10_000 + program.pid * 8 + Int32(index)
                row.record.stat.startTicks += UInt64(index)
                if index > 0 { row.record.stat.commandBytes = Array("worker-\(index)".utf8) }
                row.record.stat.state = UInt8(ascii: index == 2 ? "R" : "S")
                row.rates = ProcessRates(unattributedPercent: index == 2 ? program.cpu : 0)
                return row
            }
        }.sorted { $0.number < $1.number }
    }

    static func times(_ user: UInt64, _ system: UInt64, _ idle: UInt64) -> MachineSample.CoreTimes {
        var times = MachineSample.CoreTimes()
        times.user = user
        times.system = system
        times.idle = idle
        return times
    }

    static func meters(cores: Int = 4, _ change: (inout MachineSample) -> Void = { _ in }) -> MachineMeters {
        var before = MachineSample()
        before.total = times(0, 0, 0)
        before.cores = (0..<cores).map { MachineSample.Core(number: $0, times: times(0, 0, 0)) }
        var after = before
        after.total = times(UInt64(40 * cores), UInt64(10 * cores), UInt64(50 * cores))
        after.cores = (0..<cores).map { number in
            let busy = UInt64(number * 37 % 100)
            return MachineSample.Core(number: number, times: times(busy, busy / 4, 125 - busy))
        }
        after.memory = MachineSample.Memory(
            totalBytes: 16 << 30, availableBytes: 10 << 30, cacheBytes: 5 << 30, sharedBytes: 1 << 28,
            swapTotalBytes: 2 << 30, swapFreeBytes: 2 << 30 - 200 << 20)
        after.load = MachineSample.Load(one: 2.41, five: 1.9, fifteen: 0.87, running: 3, threads: 412)
        after.pressure.cpuSome = 12.4
        after.pressure.memorySome = 0
        after.pressure.ioSome = 43
        change(&after)
        before.bounds = after.bounds
        before.bounds?.ranSeconds = 0
        return MachineMeters(from: before, to: after, seconds: 1.5)
    }

    static func sample(
        _ programs: [Program] = programs, meters: MachineMeters = meters(), unattributed: Double? = 7.5
    ) -> TopSample {
        TopSample(
            rows: programs.sorted { $0.pid < $1.pid }.map(row), meters: meters, context: context, interval: 1.5,
            unattributedPercent: unattributed)
    }

    static func state(
        rows: Int = 24, columns: Int = 80, settings change: (inout TopSettings) -> Void = { _ in },
        options: TopState.Options = TopState.Options()
    ) -> TopState {
        var settings = TopSettings()
        settings.isFamiliar = true
        change(&settings)
        var state = TopState(settings: settings, options: options, rows: rows, columns: columns)
        state.take(sample(), at: 0)
        return state
    }
}

extension TopState {
    /// Presses keys one after the other, each a tenth of a second later.
    @discardableResult mutating func press(_ keys: Key..., at seconds: Double? = nil) -> [TopRequest] {
        var requests: [TopRequest] = []
        for key in keys { requests += update(.key(key), at: seconds ?? now + 0.1) }
        return requests
    }

    mutating func type(_ text: String) { for character in text { press(.character(character)) } }

    var pids: [Int32] { lines.map(\.row.record.processID) }
}
