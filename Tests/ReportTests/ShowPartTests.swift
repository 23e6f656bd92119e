import Analysis
import Model
import Testing

@testable import Report

@Suite("Parts of the report of one process") struct ShowPartTests {
    private let plain = TextStyle(isTerminal: false, width: nil, color: false)

    private func report(
        _ arguments: String? = nil, environment: String? = nil, _ change: (inout ProcessPortrait) -> Void = { _ in }
    ) -> ShowReport {
        var stat = ProcessStat()
        stat.pid = 1234
        stat.commandBytes = Array("a\u{1b}pi".utf8)
        stat.state = UInt8(ascii: "S")
        var record = ProcessRecord(stat: stat, processID: 1234)
        record.argumentBytes = arguments.map { Array($0.utf8) }
        let identity = record.identity
        var portrait = ProcessPortrait(record: record, signals: ProcessSignals(identity: identity))
        change(&portrait)
        var details = ProcessDetails()
        details.environmentBytes = environment.map { Array($0.utf8) }
        return ShowReport(portrait: portrait, facts: MachineFacts(), details: details)
    }

    @Test func commandLinesAreWhatAShellTakes() {
        let text = report("/bin/sh\0-c\0echo 'a b'\0\0*\0\u{1b}[2J\\\0").text(.command, plain)
        #expect(text.hasPrefix("a\\x1bpi (1234) has a command line of 6 arguments, 31 bytes.\n"))
        #expect(text.contains("\n/bin/sh -c 'echo '\\''a b'\\' '' '*' $'\\x1b[2J\\\\'\n"))
        // A title that a program has written itself.
        #expect(report("postgres: writer\0\0\0").text(.command, plain).contains("\npostgres: writer\n"))
        #expect(report().text(.command, plain).contains("may not be seen"))
        let kernel = report("") { $0.record.stat.flags = 0x0020_0000 }
        #expect(kernel.text(.command, plain).contains("is a thread of the kernel: it has no command line."))
        // Its main thread may end before the others do.
        for (threads, words) in [
            (1, "(1234) has ended, and its"), (3, "goes on in 2 threads: its main thread has ended"),
        ] {
            let zombie = report("") { portrait in
                portrait.record.stat.state = UInt8(ascii: "Z")
                portrait.record.stat.threadCount = threads
            }
            #expect(zombie.text(.command, plain).contains(words))
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("", "''"), ("a b", "'a b'"), ("'", "\\'"), ("a'b", "'a'\\''b'"), ("\n", "$'\\n'"),
        ("a\\b", "'a\\b'"), ("$HOME", "'$HOME'"), ("누수", "'누수'"),
    ])
    func quoted(_ argument: String, _ text: String) { #expect(ShellText.quoted(Array(argument.utf8)) == text) }

    @Test func environmentsAreEscaped() {
        let report = report(environment: "PATH=/bin:/usr/bin\0EVIL=\u{1b}]0;x\u{7}\0EMPTY=\0NAKED\0A=b=c\0")
        let text = report.text(.environment, plain)
        #expect(text.contains("(1234) was started with 5 variables in its environment"))
        #expect(
            text.contains("\nPATH=/bin:/usr/bin\nEVIL=\\x1b]0;x\\x07\nEMPTY=\nNAKED\nA=b=c\n"))
        #expect(!text.contains("\u{1b}"))
        let json = report.json()
        #expect(json.contains("{\"name\":\"A\",\"value\":\"b=c\"}") && json.contains("\"value\":null"))
        #expect(self.report(environment: "").text(.environment, plain).contains("an empty environment"))
        #expect(self.report(environment: "\0\0\0").text(.environment, plain).contains("has written over"))
        #expect(self.report().json().contains("\"environment\":null"))
    }

    @Test func locksNameWhoElse() {
        var report = report()
        let file = Mapping.FileID(deviceMajor: 254, deviceMinor: 0, inode: 99)
        var held = FileLock(
            kind: .posix, isShared: true, isWaiting: false, owner: 1234, file: file, first: 5, last: 14, number: 1)
        held.path = Array("/var/\u{1b}[2J".utf8)
        held.descriptor = 3
        held.others = [ProcessIdentity(pid: 7, startTicks: 1, commandBytes: Array("other".utf8))]
        var awaited = FileLock(
            kind: .flock, isShared: false, isWaiting: true, owner: 1234, file: file, first: 0, last: nil, number: 2)
        awaited.others = held.others
        report.details?.locks = [held, awaited]
        let text = report.text(.locks, plain)
        #expect(text.contains("(1234) has 1 lock of files, and waits for one that other(7) has.\n"))
        #expect(text.contains("  has    shared     fcntl      5-14              3    /var/\\x1b[2J\n"))
        #expect(text.contains("         waited for by other(7)\n"))
        #expect(text.contains("  waits  exclusive  flock      all               -    inode 99 of device 254:0\n"))
        #expect(report.json().contains("\"heldBy\":[7]") && report.json().contains("\"waitedForBy\":[7]"))
        report.details?.locks = []
        #expect(report.text(.locks, plain) == "a\\x1bpi (1234) has no lock of a file.\n")
    }

    @Test func callsSayWhereEachThreadIs() {
        let report = report { portrait in
            for (number, call, state) in [(1234, "epoll_wait", "S"), (1235, "futex", "S"), (1236, nil, "R")]
                as [(Int32, String?, Character)]
            {
                var thread = ProcessPortrait.Thread(
                    number: number, nameBytes: Array("t\u{7}".utf8), state: state.asciiValue ?? 0)
                thread.call = call
                portrait.threads.append(thread)
            }
        }
        let text = report.text(.calls, plain)
        #expect(text.contains("(1234) has 3 threads: 1 in epoll_wait, 1 in futex, 1 running.\n"))
        #expect(text.contains("  1235     t\\x07           S  futex"))
        #expect(text.contains("strace -f -p 1234 "))
    }
}
