import FoundationEssentials
import Glibc
import Testing

/// `nusu ps` beside ps(1), on the same processes at the same moment.
extension LiveTests {
    @Suite(.serialized, .enabled(if: installed("ps") != nil, "ps is not installed")) struct ProcessListTests {
        static let forms = [
            "", "-f", "-F", "-l", "-lf", "-j", "-L", "-Lf", "u", "l", "j",
            "-o pid,ppid,stat,wchan:20,args", "-o pid=,comm=", "-o user:20,pid,ppid=PARENT,comm",
            "-o user,ruser,suser,euser,group,rgroup,uid,gid,ruid,rgid", "-o pgid,sid,tpgid,tty,tname,nlwp,lwp,tgid",
            "-o pid,lstart,start,stime,cls,class,policy,rtprio,psr,f,sz,pri,opri,ni",
            "-o pid,vsz,rss,pmem,pcpu,c,time,times,bsdtime",
            "-o pid,args,comm,pid", "-o pid,pending,blocked,ignored,caught,comm", "-o pid,pidns,netns,userns,mntns,oom",
            "--no-headers -o pid,comm", "-o pid,comm --sort=-pid", "-o pid,comm --sort=comm,-pid",
        ]

        @Test("The same text as ps, on 200 processes") func sameText() throws {
            let sleepers = try Sleepers(200)
            for form in Self.forms { try compare(form, sleepers) }
        }

        private func compare(_ form: String, _ sleepers: Sleepers) throws {
            // Dialects do not mix: BSD's letters go with its own way to name processes.
            let isBSD = !form.isEmpty && !form.hasPrefix("-")
            let words = form.split(separator: " ").map(String.init) + (isBSD ? ["p"] : ["-p"]) + [sleepers.list]
            var (theirs, ours) = ("", "")
            // A second may have passed between the two: what counts is a pair between which theirs did not change.
            let isStill = try comesTrue {
                theirs = try run(["ps"] + words).text
                ours = try run([Surroundings.nusu, "ps"] + words).text
                return try theirs == ours || theirs == run(["ps"] + words).text
            }
            #expect(isStill && theirs == ours, "\(form)")
        }

        /// Times and faults of the main thread's line are those of all threads: ps reads the process's file for it.
        @Test("The same text as ps on a program of several threads that have run") func threads() throws {
            let demo = try Demo("nusu-demo", ["worked"])
            let own = ["-p", "\(demo.pid)"]
            for words in [
                ["-L"], ["-Lo", "pid,lwp,time,stat,times,bsdtime,nlwp,min_flt,maj_flt"], ["-o", "pid,time"],
            ] {
                #expect(try run(["ps"] + words + own).text == run([Surroundings.nusu, "ps"] + words + own).text)
            }
            // A share of an age that grows between the two, on a busy machine by much: ours lies between theirs before and after.
            let shares = ["-Lo", "c=,pcpu="] + own
            func numbers(_ tool: [String]) throws -> [Double] {
                try run(tool + shares).text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            }
            let before = try numbers(["ps"])
            let ours = try numbers([Surroundings.nusu, "ps"])
            let after = try numbers(["ps"])
            try #require(before.count == 6 && ours.count == 6 && after.count == 6)
            for index in ours.indices {
                let bounds = (min(before[index], after[index]) - 1)...(max(before[index], after[index]) + 1)
                #expect(bounds.contains(ours[index]), "\(before) \(ours) \(after)")
            }
            let times = try run([Surroundings.nusu, "ps", "-Lo", "times=", "-p", "\(demo.pid)"]).text
            let seconds = times.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(seconds.count == 3)
            #expect(seconds[0] > seconds[1] && seconds[0] > seconds[2])
        }

        @Test("The same processes as ps, whichever way they are chosen") func sameSelection() throws {
            let sleepers = try Sleepers(3)
            let own = try #require(sleepers.pids.first)
            // 0 where the session was begun outside of this PID namespace (a container's); ps takes no such number.
            let session = getsid(own)
            let ofSession = session > 0 ? [["-s", "\(session)"]] : []
            for words in ofSession + [
                ["-C", "sleep"], ["--ppid", "\(getpid())"], ["-u", "\(geteuid())"], ["-U", "root"],
                ["-p", sleepers.list], ["ax"], ["-e"], ["-A"], ["x"], [], ["-d"], ["-N", "-u", "root"], ["-t", "?"],
                ["-p", "\(own)", "-C", "nothing"],
            ] {
                let mine = Set(sleepers.pids.map { "\($0)" })
                func chosen(_ tool: [String]) throws -> Set<String> {
                    let text = try run(tool + words + ["-o", "pid="]).text
                    return mine.intersection(text.split(whereSeparator: \.isWhitespace).map(String.init))
                }
                #expect(try chosen(["ps"]) == chosen([Surroundings.nusu, "ps"]), "\(words)")
            }
        }

        @Test("Status 1 when nothing fits, 64 when it cannot be understood") func status() throws {
            #expect(try run([Surroundings.nusu, "ps", "-C", "nusu-no-such-name"]).status == 1)
            #expect(try run([Surroundings.nusu, "ps", "-e"]).status == 0)
            for words in [
                ["-o", "nonsense"], ["-Q"], ["--where", "cpu>"], ["--nonsense"], ["-o", "readrate"], ["-p"],
            ] {
                #expect(try run([Surroundings.nusu, "ps"] + words).status == 64, "\(words)")
            }
            #expect(try run([Surroundings.nusu, "ps", "--fields"]).text.contains("waited"))
            #expect(try run([Surroundings.nusu, "ps", "--help"]).status == 0)
        }

        struct Document: Decodable {
            struct Process: Decodable {
                let pid: Int32
                let ppid: Int32
                let user: String
                let state: String
                let command: String
                let arguments: [String]
                let argumentsBase64: [String]?
                let residentBytes: Int
                let waitPercent: Double?
            }
            let schema: String
            let intervalSeconds: Double?
            let processes: [Process]
        }

        private func document(_ words: [String]) throws -> Document {
            let run = try run([Surroundings.nusu, "ps", "--json"] + words)
            return try JSONDecoder().decode(Document.self, from: Data(run.output))
        }

        @Test("JSON: names, arguments and bytes that are no text") func json() throws {
            let sleepers = try Sleepers(1, ["sleep", "600"])
            let process = try #require(try document(["-p", sleepers.list]).processes.first)
            #expect(process.pid == sleepers.pids[0])
            #expect(process.ppid == getpid())
            #expect(process.command == "sleep")
            #expect(process.arguments == ["sleep", "600"])
            #expect(process.state == "S")
            #expect(process.residentBytes > 0)
            #expect(process.argumentsBase64 == nil)
        }

        @Test("Hostile arguments reach no terminal raw") func hostile() throws {
            let child = try Child(["sh", "-c", "read line; :", "\u{1b}[31mred\nPID 1\t\u{202e}", "[kworker/0:0]"])
            let text = try run([Surroundings.nusu, "ps", "-o", "args=", "-p", "\(child.pid)"]).text
            #expect(text == "sh -c read line; : \\x1b[31mred\\nPID 1\\t\\u{202e} [kworker/0:0]\n")
            let arguments = try #require(try document(["-p", "\(child.pid)"]).processes.first).arguments
            #expect(arguments.last == "[kworker/0:0]")
            #expect(arguments[3] == "\u{1b}[31mred\nPID 1\t\u{202e}")
        }

        @Test("Conditions choose, and rates appear with --interval only") func conditions() throws {
            let sleepers = try Sleepers(2)
            let busy = try Child(["sh", "-c", "while :; do :; done"])
            let both = sleepers.list + ",\(busy.pid)"
            let quiet = try document(["-p", both, "--where", "name==sleep && rss>0 && args~\"600$\""])
            #expect(quiet.processes.map(\.pid) == sleepers.pids.sorted())
            #expect(quiet.intervalSeconds == nil)
            // A busy machine may give it little, but for long nothing.
            var rates: Document?
            let isBusy = try comesTrue {
                rates = try document(["-p", both, "--interval", "300ms", "-o", "pwait", "--where", "cpu>5"])
                return rates?.processes.isEmpty == false
            }
            #expect(isBusy && rates?.processes.map(\.pid) == [busy.pid])
            #expect(rates?.processes.first?.waitPercent != nil)
            #expect((rates?.intervalSeconds ?? 0) > 0.29)
        }
    }
}
