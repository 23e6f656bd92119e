import Analysis
import Glibc
import Model
import Testing

@testable import Report

@Suite("Reports of processes") struct ProcessReportTests {
    private static let facts: MachineFacts = {
        setenv("TZ", "UTC", 1)
        tzset()
        var facts = MachineFacts()
        facts.bootTime = 1_795_466_162
        facts.now = 1_795_466_162 + 400_000
        facts.uptime = 400_000
        facts.schedulerSeconds = 399_000
        facts.memoryBytes = 8 << 30
        facts.users = [0: "root", 1000: "ada", 1001: "a-very-long-name", 1002: "가나다라마바"]
        facts.processLimit = 32768
        return facts
    }()

    private static let context = ProcessContext(facts)

    private static func record(
        _ pid: Int32, _ parent: Int32, _ name: String, user: UInt32 = 0, state: Character = "S", start: UInt64 = 0,
        arguments: [String]? = nil, change: (inout ProcessRecord) -> Void = { _ in }
    ) -> ProcessRecord {
        var stat = ProcessStat()
        stat.pid = pid
        stat.parent = parent
        stat.commandBytes = Array(name.utf8)
        stat.state = state.asciiValue ?? 0
        stat.startTicks = start
        stat.threadCount = 1
        stat.residentPages = 300
        stat.processGroup = pid
        stat.session = 1
        var record = ProcessRecord(stat: stat, processID: pid)
        record.owner = ProcessRecord.Owner(user: user, group: 0)
        record.argumentBytes = arguments.map { $0.flatMap { Array($0.utf8) + [0] } }
        change(&record)
        return record
    }

    private static let records: [ProcessRecord] =
        [
            record(1, 0, "systemd", arguments: ["/sbin/init"]),
            record(2, 0, "kthreadd") { $0.stat.flags = 0x0020_0000 },
            record(3, 2, "kworker/0:0", state: "I", start: 1) { $0.stat.flags = 0x0020_0000 },
            record(4, 2, "ksoftirqd/0", start: 1) { $0.stat.flags = 0x0020_0000 },
            record(412, 1, "systemd-journal", start: 10), record(601, 1, "cron", start: 11),
            record(702, 1, "containerd", start: 12), record(703, 1, "x) R 1", start: 12),
            record(704, 1, "evil\u{1b}[31m\n", start: 12, arguments: ["[kthreadd]", "\u{1b}[2J\n", "\u{202e}"]),
            record(655, 1, "sshd", start: 13), record(20917, 655, "sshd", start: 14),
            record(20932, 20917, "bash", user: 1000, start: 15, arguments: ["-bash"]) { record in
                record.stat.terminal = 136 << 8
                record.stat.terminalGroup = 21466
                record.stat.session = 20932
            },
            record(21140, 20932, "vim", user: 1000, state: "T", start: 16, arguments: ["vim", "notes.md"]) { record in
                record.stat.terminal = 136 << 8
                record.stat.terminalGroup = 21466
            },
            record(21466, 20932, "make", user: 1000, start: 17, arguments: ["make", "-j4"]) { record in
                record.stat.terminal = 136 << 8
                record.stat.terminalGroup = 21466
            },
        ]
        + (0..<4).map { number in
            record(21500 + number, 21466, "cc1plus", user: 1000, state: "R", start: 18) { record in
                record.stat.terminal = 136 << 8
                record.stat.terminalGroup = 21466
                record.stat.processGroup = 21466
            }
        }
        + [
            record(8801, 1, "containerd-shim", start: 20),
            record(1234, 8801, "api", user: 1001, start: 21) {
                $0.containerBytes = Array("3f9c2ab1d4e53f9c2ab1d4e5".utf8)
            },
            record(9417, 8801, "convert", user: 1002, state: "Z", start: 22) { record in
                record.lastRanSeconds = 388_000
                record.stat.exitStatus = 9
            },
            record(9420, 8801, "rsync", state: "D", start: 23) { record in
                record.lastRanSeconds = 398_959
                record.waitChannel = Array("nfs_wait".utf8)
            },
        ]

    private static let plain = TextStyle(isTerminal: false, width: nil, color: false)

    private func tree(_ target: Int32? = nil) -> TreeReport {
        TreeReport(
            ProcessTree(Self.records, now: Self.facts.schedulerSeconds), Self.context, target: target, own: 21466)
    }

    @Test("The tree: what needs a look first, siblings folded, sessions, containers") func treeText() {
        expectSnapshot(tree().text(.init(), TextStyle(isTerminal: true, width: nil, color: false)), "process-tree.txt")
        expectSnapshot(tree().text(.init(kernel: true, all: true), Self.plain), "process-tree-all.txt")
        expectSnapshot(tree(21466).text(.init(), Self.plain), "process-tree-target.txt")
        expectSnapshot(tree(21466).json(), "process-tree.json")
    }

    @Test("However many processes there are: 25 lines, and what needs a look is among them") func bounds() {
        var records = Self.records
        for number in 0..<500 as Range<Int32> {
            records.append(Self.record(30000 + number, 1, "shell\(number)", user: 1000, start: 30))
            records.append(Self.record(31000 + number, 30000 + number, "child\(number)", start: 31))
        }
        let tree = TreeReport(ProcessTree(records, now: Self.facts.schedulerSeconds), Self.context, own: 1)
        let text = tree.text(.init(), TextStyle(isTerminal: true, width: 100, color: false))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        // And of a level that does not fit as many as there is room for.
        #expect((24...25).contains(lines.count) && text.contains("processes more"))
        #expect(lines.allSatisfy { $0.count <= 100 })
        #expect(text.contains("9417 convert") && text.contains("9420 rsync"))
        #expect(tree.text(.init(all: true), Self.plain).split(separator: "\n").count > 1000)
    }

    @Test("Of many ancestors the nearest are drawn, and the target itself") func manyAncestors() {
        let records = (1...20_000 as ClosedRange<Int32>).map {
            Self.record($0, $0 - 1, "link", user: UInt32($0 % 2), start: UInt64($0))
        }
        let tree = TreeReport(
            ProcessTree(records, now: Self.facts.schedulerSeconds), Self.context, target: 19_990, own: 1)
        let text = tree.text(.init(), Self.plain)
        #expect(text.hasPrefix("link (19990): 19,989 ancestors, 10 processes below"))
        #expect(text.contains("`- 19,977 further ancestors ") && text.contains("`- 19978 link "), "\(text)")
        #expect(text.contains("`- 19990 link ") && text.split(separator: "\n").count <= 25, "\(text)")
        let all = tree.text(.init(all: true), Self.plain)
        #expect(all.contains("`- 19,889 further ancestors\n") && all.contains("`- 20000 link "))
        #expect(all.split(separator: "\n").count < 150)
    }

    @Test("Columns as ps lays them out, and nothing raw") func columns() throws {
        let rows = Self.records.map { ProcessRow(record: $0, context: Self.context) }
        let columns = try ProcessColumn.list("user=UID,pid,ppid,c,stime,tname,time,cmd")
        let list = ProcessList(columns: columns, rows: rows, context: Self.context)
        expectSnapshot(list.text(Self.plain), "process-list.txt")
        let other = ProcessList(
            columns: try ProcessColumn.list("user,pid,comm,rss=MEMORY,s="), rows: rows, context: Self.context)
        expectSnapshot(other.text(Self.plain), "process-list-columns.txt")
        expectSnapshot(
            ProcessList(columns: columns, rows: Array(rows[8...9]), context: Self.context).json(), "process-list.json")
    }

    @Test("Locked memory maps and missing rights are said") func gaps() throws {
        var locked = Self.records[0]
        locked.argumentBytes = nil
        locked.locked = .arguments
        var denied = Self.records[4]
        denied.denied = .io
        let rows = [locked, denied].map { ProcessRow(record: $0, context: Self.context) }
        let list = ProcessList(columns: try ProcessColumn.list("pid,rbytes,args"), rows: rows, context: Self.context)
        #expect(list.gaps.count == 2)
        #expect(list.gaps.first?.what == "arguments of 1 process: 1")
        #expect(list.text(Self.plain).contains("[systemd]"))
    }

    @Test("Every field has a name of its own, and its spellings lead to it") func fields() {
        var names: Set<String> = []
        for field in ProcessField.all {
            for name in [field.key] + field.spellings.map(\.key) {
                #expect(names.insert(name).inserted, "\(name)")
                #expect(ProcessField.named(name)?.field.key == field.key)
            }
            #expect(!field.meaning.isEmpty && !field.json.isEmpty && field.width > 0)
        }
        expectSnapshot(FieldList.text(Self.plain), "fields.txt")
    }

    @Test("I/O: the priority that counts, both rates together, and delays where they are counted") func inputAndOutput()
        throws
    {
        func text(_ key: String, _ change: (inout ProcessRecord) -> Void) throws -> String {
            let row = ProcessRow(record: Self.record(5, 1, "x", change: change), context: Self.context)
            return try #require(ProcessField.named(key)).field.text(row)
        }
        #expect(try text("ioprio") { _ in } == "-")
        #expect(try text("ioprio") { $0.ioPriority = IOPriority(.none) } == "B4")
        for (nice, code) in [(-20, "B0"), (19, "B7"), (5, "B5")] as [(Int32, String)] {
            #expect(
                try text("ioprio") { record in
                    record.ioPriority = IOPriority(.none)
                    record.stat.nice = nice
                } == code)
        }
        for (policy, code) in [(1, "R4"), (2, "R4"), (3, "B4"), (5, "id")] as [(Int32, String)] {
            #expect(
                try text("ioprio") { record in
                    record.ioPriority = IOPriority(.none)
                    record.stat.policy = policy
                } == code)
        }
        #expect(try text("ioprio") { $0.ioPriority = IOPriority(.realTime, level: 0) } == "R0")
        #expect(try text("ioprio") { $0.ioPriority = IOPriority(.idle) } == "id")
        var row = ProcessRow(record: Self.records[0], context: Self.context)
        let field = try #require(ProcessField.named("iorate")).field
        var rates = ProcessRates(unattributedPercent: 0)
        rates.readBytes = 2
        row.rates = rates
        #expect(field.value(row) == .unknown)
        rates.writtenBytes = 3
        row.rates = rates
        #expect(field.value(row) == .number(5))
        // Why they are not known is said, and not taken for rights to the processes.
        var facts = Self.facts
        facts.countsDelays = false
        func gaps(_ facts: MachineFacts, _ record: ProcessRecord) throws -> [Gap] {
            let context = ProcessContext(facts)
            return ProcessList(
                columns: try ProcessColumn.list("pid,swapdelay"), rows: [ProcessRow(record: record, context: context)],
                context: context
            ).gaps
        }
        #expect(try gaps(facts, Self.records[0]).map(\.remedy).first??.contains("task_delayacct=1") == true)
        facts.countsDelays = true
        var denied = Self.records[0]
        denied.denied = .delays
        let missing = try gaps(facts, denied)
        #expect(missing.count == 1 && missing.first?.reason.contains("CAP_NET_ADMIN") == true)
        #expect(try gaps(facts, Self.records[0]).isEmpty)
    }

    @Test("Patterns that are longer than a name can be") func hint() {
        #expect(FindReport.hint(pattern: "redis-server", namesOnly: false) == nil)
        #expect(FindReport.hint(pattern: "a-name-of-17-char", namesOnly: false) != nil)
        #expect(FindReport.hint(pattern: "^(redis|nginx)-[a-z]+$", namesOnly: true) == nil)
        #expect(FindReport.hint(pattern: "python3.manage\\.py$", namesOnly: false)?.contains("this pattern 17") == true)
        #expect(FindReport.hint(pattern: "^exactly-15-char$", namesOnly: false) == nil)
        #expect(FindReport.hint(pattern: "sixteen-chars-or?", namesOnly: false) == nil)
    }
}
