import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of descriptors") struct DescriptorReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)
    private let postgres = ProcessIdentity(pid: 1511, startTicks: 1, commandBytes: Array("postgres".utf8))

    private func file(_ number: Int32, _ path: String, flags: UInt32 = 0o2100001) -> Descriptor {
        var descriptor = Descriptor(number: number, kind: .file, target: Array(path.utf8))
        (descriptor.flags, descriptor.offset, descriptor.sizeBytes) = (flags, 4096, 40960)
        return descriptor
    }

    private func connection(_ number: Int32, _ state: Socket.State = .connected) -> Descriptor {
        var descriptor = Descriptor(number: number, kind: .socket, target: Array("socket:[\(number)]".utf8))
        var socket = Socket(inode: UInt64(number), transport: .tcp, state: state)
        socket.local = .internet(InternetAddress(v4: 0x7f00_0001), port: 40000 + UInt16(number))
        socket.remote = .internet(InternetAddress(v4: 0x7f00_0001), port: 5432)
        socket.receiveQueue = 0
        (descriptor.socket, descriptor.flags) = (socket, 0o2004002)
        descriptor.otherEnd = Descriptor.OtherEnd(processes: [postgres], count: 3)
        return descriptor
    }

    private func table() -> DescriptorTable {
        var table = DescriptorTable(
            process: ProcessIdentity(pid: 1234, startTicks: 1, commandBytes: Array("api".utf8)))
        var epoll = Descriptor(number: 4, kind: .epoll, target: Array("anon_inode:[eventpoll]".utf8))
        (epoll.flags, epoll.detail) = (0o2, .watched([3, 10, 11, 12], count: 4))
        var end = Descriptor(number: 5, kind: .pipe, target: Array("pipe:[77]".utf8))
        (end.flags, end.otherEnd) = (0o1, Descriptor.OtherEnd(processes: [], count: 0))
        var deleted = file(6, "/var/log/api.log")
        (deleted.isDeleted, deleted.diskBytes) = (true, 1_288_490_189)
        table.descriptors =
            [file(3, "/etc/hosts", flags: 0o2100000), epoll, end, deleted]
            + (10..<30).map { connection($0, $0 < 27 ? .abandoned : .connected) }
        table.total = table.descriptors.count
        (table.softLimit, table.hardLimit) = (28, 4096)
        return table
    }

    @Test("Groups, the limit, and what is worth a look") func groups() {
        expectSnapshot(DescriptorReport(table()).text(.init(), terminal), "fds.txt")
        expectSnapshot(DescriptorReport(table()).text(.init(all: true), pipe), "fds-all.txt")
    }

    @Test("One document") func document() {
        expectSnapshot(DescriptorReport(table()).json(.init(all: true)), "fds.json")
    }

    private func lost(_ type: String, _ field: String, _ numbers: [Int32], below leader: String? = nil) -> LeakGroup {
        var group = Fixture.group(.definite, count: 1, size: 40, type: leader ?? type)
        group.owners = [DescriptorOwner(type: type, field: field, numbers: numbers)]
        return group
    }

    @Test("What lost objects own, by class and field; a number that was closed meanwhile is nobody's") func owned() {
        let groups = [
            lost("app.Connection", "fd", [10, 11, 99]), lost("app.Link", "socket", [12], below: "app.Session"),
            lost("net::Peer", "fd_", [98]),
        ]
        let streams = DescriptorReport.Streams(
            total: 0, forgotten: [], groups: groups, pauseSeconds: 0.001, exact: true, gaps: [])
        let report = DescriptorReport(table(), streams: streams)
        let text = report.text(.init(), pipe)
        #expect(text.hasPrefix("api (1234) can no longer close 3 of its 24 descriptors: 3 held by lost memory only.\n"))
        #expect(text.contains("    owned by a lost Connection.fd  a41f09\n"))
        #expect(text.contains("    owned by a lost Link.socket below a lost Session  a41f09\n"))
        #expect(!text.contains("Peer") && text.contains(" 10-11\n"))
        let entry = #""owners":[{"field":"socket","numbers":[12],"type":"app.Link"}]"#
        #expect(report.json(.init()).contains(entry))
    }

    @Test("One more that only a stack holds is said where its like is lost") func stackHeld() {
        var group = lost("app.Connection", "fd", [10, 11])
        group.stackHeld = 1
        var streams = DescriptorReport.Streams(
            total: 0, forgotten: [], groups: [group], pauseSeconds: 0.001, exact: true, gaps: [])
        let more = "    1 more is held only by words on stacks or in registers (nusu why 1234 Connection)\n"
        let report = DescriptorReport(table(), streams: streams)
        #expect(
            report.text(.init(), pipe).contains(
                "    owned by a lost Connection.fd  a41f09\n" + String(repeating: " ", count: 21) + more))
        #expect(report.json(.init()).contains(#""stackHeld":1,"#))
        // What leads is another class: it says nothing of the owner's.
        streams.groups[0].type = "app.Session"
        #expect(!DescriptorReport(table(), streams: streams).text(.init(), pipe).contains("more is held"))
        var leaks = Fixture.leaking()
        leaks.findings.groups[0].stackHeld = 2
        #expect(leaks.text(.init(), pipe).contains("    2 more are held only by words on stacks or in registers\n"))
    }

    @Test("What lost blocks may hold is said to be unproved, and is found by no status") func suspects() {
        var group = lost("app::Peer", "fd", [])
        group.owners = []
        group.suspects = [
            DescriptorOwner(type: "app::Pe\u{1b}er", field: "+8", numbers: [10, 11, 12, 13, 99], isDistinct: true)
        ]
        var streams = DescriptorReport.Streams(
            total: 0, forgotten: [], groups: [group], pauseSeconds: 0.001, exact: true, gaps: [])
        let report = DescriptorReport(table(), streams: streams)
        let text = report.text(.init(), pipe)
        #expect(
            text.hasPrefix("Lost memory may hold 4 descriptors of api (1234), unproved; it has 24 of 28 "), "\(text)")
        #expect(text.contains(" what perhaps nobody can close ") && text.contains(" 10-13\n"))
        #expect(
            text.contains("    perhaps of a lost app::Pe")
                && text.contains("er: each has another number at +8  a41f09\n"))
        #expect(!text.contains("\u{1b}") && report.streams?.found == false)
        #expect(report.json(.init()).contains(#""numbers":[10,11,12,13],"place":"+8","signature":"a41f09","#))
        // Of those that somebody holds for certain nothing more is said.
        streams.groups = [lost("app.Connection", "fd", [10, 11])]
        let both = DescriptorReport(table(), streams: streams).text(.init(), pipe)
        #expect(
            both.contains("no longer close 2 of its 24") && both.contains(" 12-13\n")
                && both.contains("perhaps of a lost"))
    }

    @Test("Who owns what, in the report of leaks") func ownedOfLeaks() {
        var report = Fixture.leaking()
        report.findings.groups[0].owners = [DescriptorOwner(type: "app.Connection", field: "fd", numbers: [10])]
        report.findings.groups[1].owners = [DescriptorOwner(type: "a\u{1b}::B", field: "fds[i]", numbers: [10, 12])]
        report.findings.groups[1].streams = [6]
        report.descriptors = table()
        let text = report.text(.init(), pipe)
        #expect(text.contains("    owns descriptor 10: tcp to 127.0.0.1:5432 = postgres(1511)"), "\(text)")
        #expect(text.contains("    owns 3 descriptors: 2 x tcp to 127.0.0.1:5432"), "\(text)")
        #expect(text.contains("; /var/log/api.log, deleted, through a FILE\n"))
        #expect(text.contains(", by Connection.fd\n") && text.contains("::B.fds[i]; ") && !text.contains("\u{1b}"))
        #expect(text.contains("  lost memory owns 3 descriptors (nusu fds 1234 --lost)\n"))
        let json = report.json(.init())
        #expect(json.contains(#""descriptorOwners":[{"field":"fd","numbers":[10],"type":"app.Connection"}]"#))
        #expect(json.contains(#""descriptors":[6,10,12]"#) && json.contains(#""descriptors":3,"#))
        report.saved = SavedLook(path: "a.nusu", secondsSince1970: 0)
        #expect(report.json(.init()).contains(#""descriptorOwners":null"#))
    }

    @Test("What was opened and not closed") func growth() {
        var before = table()
        before.descriptors.removeLast(8)
        let growth = DescriptorGrowth(from: before, to: table(), seconds: 60)
        let report = DescriptorReport(table(), growth: growth)
        let text = report.text(.init(), terminal)
        #expect(text.hasPrefix("api (1234) has 24 of 28 descriptors open, 8 more than 60 s before: 8 more tcp to"))
        #expect(text.contains("+8  socket"))
        let steady = DescriptorReport(
            table(), growth: DescriptorGrowth(from: table(), to: table(), seconds: 300))
        #expect(steady.text(.init(), pipe).hasPrefix("Steady: api (1234) has 24 of 28 descriptors open"))
    }

    @Test("At most 25 lines, whatever there is, and what is left out is counted") func length() {
        var table = table()
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
        let names = letters.map { String($0) }
        table.descriptors = names.enumerated().map { file(Int32($0.offset), "/\($0.element)/\($0.element)") }
        let lines = DescriptorReport(table).text(.init(), terminal).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 26)
        #expect(lines.contains { $0.contains("more groups") })
        #expect(DescriptorReport(table).text(.init(limit: 0), pipe).split(separator: "\n").count > 40)
    }

    @Test("Names that the target chose are escaped, and whole in JSON") func hostile() {
        var table = table()
        table.descriptors = [
            file(3, "/tmp/\u{1b}[31m\nred"), Descriptor(number: 4, kind: .file, target: [0x2f, 0xff]),
        ]
        for text in [
            DescriptorReport(table).text(.init(), terminal), DescriptorReport(table).text(.init(all: true), pipe),
        ] {
            #expect(!text.contains("\u{1b}") && text.contains("/tmp/\\x1b[31m\\nred") && text.contains("/\\xff"))
        }
        let json = DescriptorReport(table).json(.init())
        #expect(json.contains("\"whatBase64\":\"L/8=\""))
    }

    @Test("What may not be seen is said, and the number that everybody may know is shown") func unseen() {
        var table = table()
        table.descriptors = []
        table.gaps = [Gap(what: "which descriptors these are", reason: "no right", remedy: "sudo nusu fds 1234")]
        var text = DescriptorReport(table).text(.init(), terminal)
        #expect(text.hasPrefix("api (1234) has 24 of 28 descriptors open; which ones may not be seen.\n"))
        #expect(text.contains("next: sudo nusu fds 1234"))
        #expect(DescriptorReport(table).json(.init()).contains("\"groups\":null"))
        table.total = nil
        text = DescriptorReport(table).text(.init(), pipe)
        #expect(text.hasPrefix("How many descriptors api (1234) has open may not be seen; it may have 28 at most."))
    }
}
