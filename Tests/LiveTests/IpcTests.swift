import Glibc
import Testing

extension LiveTests {
    /// Every kind of channel between two known processes: nusu's edges are those that the demo has made, and none other.
    @Suite(.serialized) struct IpcTests {
        private static let kinds = [
            "pipe", "fifo", "stream", "datagram", "sequenced", "abstract", "named", "pending", "tcp", "udp", "pty",
            "eventfd", "epoll", "signalfd", "inotify", "pidfd", "mqueue", "sysv-msg", "sysv-sem", "posix", "memfd",
            "anonymous", "sysv", "file", "semaphore", "futex", "flight", "full",
        ]

        private func demo(_ kind: String, through wrapper: [String] = []) throws -> Demo {
            let program = "\(Surroundings.products)/nusu-demo"
            let words = wrapper + [program, "channels", kind]
            return try Demo(words[0].contains("/") ? words[0] : "/usr/bin/\(words[0])", Array(words.dropFirst()))
        }

        /// Kind and ends, as the demos print them.
        private func edges(_ channels: [IpcDocument.Channel]) -> Set<String> {
            Set(
                channels.filter { $0.kind != "futex" }.map {
                    ([$0.kind] + $0.ends.map(\.text).sorted()).joined(separator: " ")
                })
        }

        private func truth(_ demo: Demo) -> Set<String> {
            Set(demo.channels.map { ([$0[0]] + $0.dropFirst().sorted()).joined(separator: " ") })
        }

        @Test func everyKind() throws {
            let demos = try Self.kinds.map { ($0, try demo($0)) }
            // Who waits at a channel may not sleep yet.
            var all = try IpcDocument.of([])
            _ = try comesTrue {
                if demos.allSatisfy({ edges(all.joining([$0.1.pid, $0.1.otherPid ?? 0])) == truth($0.1) }),
                    all.channels.contains(where: { $0.stuck?.pid == demos.last?.1.pid })
                {
                    return true
                }
                all = try IpcDocument.of([])
                return false
            }
            #expect(all.schema == "nusu.ipc/1")
            var found: [String: IpcDocument.Channel] = [:]
            for (kind, demo) in demos {
                let child = try #require(demo.otherPid)
                let channels = all.joining([demo.pid, child])
                #expect(edges(channels) == truth(demo), "\(kind)")
                found[kind] = channels.first { $0.kind != "futex" }
                // Each is its parent's child, in one edge.
                #expect(
                    all.channels.count { $0.kind == "parent-child" && $0.pids == [demo.pid, child] } == 1, "\(kind)")
            }
            #expect(found["pipe"]?.waiting == 100 && found["pipe"]?.state == "unread")
            #expect(found["pending"]?.isAccepted == false && found["stream"]?.isAccepted == true)
            #expect(found["sequenced"]?.transport == "unixSequenced" && found["datagram"]?.transport == "unixDatagram")
            #expect(found["abstract"]?.name?.hasPrefix("@nusu-demo-") == true)
            #expect(found["named"]?.name?.hasPrefix("/tmp/nusu-demo-socket-") == true)
            #expect(found["mqueue"]?.messages == 2 && found["mqueue"]?.messageLimit == 2)
            #expect(found["sysv-msg"]?.messages == 1)
            #expect(found["eventfd"]?.value == 3)
            #expect(found["flight"]?.inFlight == 1)
            for kind in ["posix", "memfd", "anonymous", "sysv", "file"] {
                #expect(found[kind]?.memory == kind && found[kind]?.size == 64 << 10, "\(kind)")
            }
            let full = try #require(demos.last)
            #expect(found["full"]?.state == "stuck" && found["full"]?.stuck?.cause == "full")
            #expect(found["full"]?.stuck?.pid == full.1.pid && found["full"]?.waiting == 64 << 10)
            // The epoll belongs to one process, and says which pipe it watches.
            let epoll = try #require(demos.first { $0.0 == "epoll" }).1
            let watching = all.channels.filter { $0.kind == "epoll" && $0.pids == [epoll.pid] }
            #expect(watching.count == 1 && watching.first?.watched == [found["epoll"]?.identity ?? "-"])
            #expect(found["inotify"]?.watched.first?.hasPrefix("/tmp/nusu-demo-watched-") == true)
            for (_, demo) in demos { #expect(demo.view.harm.isEmpty) }
        }

        /// The channels of a process that are stuck, once there are so many: who is to wait may not sleep yet.
        private func stuck(at pid: pid_t, _ count: Int) throws -> [IpcDocument.Channel] {
            var stuck: [IpcDocument.Channel] = []
            _ = try comesTrue {
                stuck = try IpcDocument.of(["\(pid)"]).channels.filter { $0.state == "stuck" }
                return stuck.count >= count
            }
            return stuck
        }

        @Test func stuck() throws {
            let demo = try demo("full")
            let child = try #require(demo.otherPid)
            _ = try stuck(at: demo.pid, 1)
            let text = try run([Surroundings.nusu, "ipc", "\(demo.pid)"]).text
            #expect(text.contains("1 is stuck: nusu-demo (\(child)) leaves 64.0 KiB unread"), "\(text)")
            #expect(text.contains("! nusu-demo(\(demo.pid)) ==pipe==> nusu-demo(\(child))"), "\(text)")
            #expect(text.contains("writer waits"))
            // Of all processes it is in the first line too, or another one is stuck for longer.
            #expect(try run([Surroundings.nusu, "ipc"]).text.split(separator: "\n")[0].contains("stuck"))
        }

        @Test(arguments: [(["unaccepted"], "unaccepted"), (["unaccepted", "tcp"], "unaccepted")])
        func stuckOtherwise(_ words: [String], _ cause: String) throws {
            let demo = try Demo("nusu-demo", words)
            let child = try #require(demo.otherPid)
            let stuck = try stuck(at: demo.pid, 1)
            #expect(stuck.map(\.stuck?.cause) == [cause] && stuck.first?.stuck?.pid == demo.pid)
            #expect(stuck.first?.pids == [demo.pid, child] && stuck.first?.isAccepted == false)
            let text = try run([Surroundings.nusu, "ipc", "\(demo.pid)"]).text
            #expect(text.contains("nusu-demo (\(child)) does not accept nusu-demo (\(demo.pid))"), "\(text)")
        }

        /// Who waits for a lock is not stuck as long as the owner may give it up.
        @Test func lock() throws {
            let demo = try Demo("nusu-demo", ["held"])
            let child = try #require(demo.otherPid)
            func lock(_ state: String) throws -> IpcDocument.Channel? {
                // It may not sleep yet.
                var found: IpcDocument.Channel?
                let isThere = try comesTrue {
                    found = try IpcDocument.of(["\(demo.pid)"]).channels.first { $0.kind == "futex" }
                    return found?.state == state
                }
                return isThere ? found : nil
            }
            let held = try #require(try lock("held"))
            #expect(held.pids == [demo.pid, child] && held.stuck == nil)
            #expect(held.ends.map(\.text).sorted() == ["\(child):-:hold", "\(demo.pid):-:wait"].sorted())
            var text = try run([Surroundings.nusu, "ipc", "\(demo.pid)"]).text
            #expect(text.contains("; nothing is stuck."), "\(text)")
            #expect(text.contains("    nusu-demo(\(demo.pid)) sleeps at a lock of nusu-demo(\(child)) "), "\(text)")
            kill(child, SIGSTOP)
            defer { kill(child, SIGCONT) }
            let stuck = try #require(try lock("stuck"))
            #expect(stuck.stuck?.cause == "locked" && stuck.stuck?.pid == demo.pid)
            text = try run([Surroundings.nusu, "ipc", "\(demo.pid)"]).text
            #expect(
                text.contains("1 is stuck: nusu-demo (\(demo.pid)) sleeps since ")
                    && text.contains(" at a lock of nusu-demo (\(child)), which is stopped."), "\(text)")
        }

        /// The live screen has a guard that waits for its end.
        @Test(.enabled(if: Tmux.isThere, "needs tmux")) func guardOfTheLiveScreen() throws {
            let terminal = try Tmux("exec \(Surroundings.nusu) top")
            try terminal.waits(for: "PID")
            let top = try #require(pid_t(try terminal.fact("pane_pid")))
            var channels: [IpcDocument.Channel] = []
            let isThere = try comesTrue {
                channels = try IpcDocument.of(["\(top)"]).channels
                return channels.contains { $0.kind == "futex" }
            }
            #expect(isThere && channels.allSatisfy { $0.state != "stuck" })
        }

        /// Through empty pipes, and through a pair of sockets: what `show` calls a deadlock.
        @Test(arguments: [("deadlock", "pipe", 2), ("socket-deadlock", "unix", 1)])
        func deadlock(_ name: String, _ kind: String, _ count: Int) throws {
            let demo = try Demo("nusu-demo", [name])
            let child = try #require(demo.otherPid)
            let stuck = try stuck(at: demo.pid, count)
            #expect(stuck.count == count && stuck.allSatisfy { $0.kind == kind && $0.stuck?.cause == "deadlock" })
            #expect(stuck.allSatisfy { $0.pids == [demo.pid, child] })
            for pid in [demo.pid, child] {
                let text = try run([Surroundings.nusu, "ipc", "\(pid)"]).text
                #expect(text.contains("\(count == 1 ? "1 is" : "2 are") stuck: nusu-demo ("), "\(text)")
                #expect(text.contains(" in a deadlock since ") && text.contains("  ! nusu-demo("), "\(text)")
                #expect(try run([Surroundings.nusu, "show", "\(pid)"]).text.contains("deadlock of 2 processes"))
            }
        }

        /// Where a process waits for two at once, over FIFOs, and by locks.
        @Test(arguments: [("poll", 3), ("select", 3), ("epoll", 3), ("fifo", 4), ("lock", 2)])
        func deadlockOfSeveral(_ kind: String, _ count: Int) throws {
            let demo = try Demo("nusu-demo", ["circle", kind])
            let stuck = try stuck(at: demo.pid, count)
            #expect(stuck.count == count && stuck.allSatisfy { $0.stuck?.cause == "deadlock" }, "\(stuck)")
            #expect(Set(stuck.flatMap(\.pids)) == Set(demo.otherPids + [demo.pid]))
            for pid in demo.otherPids + [demo.pid] {
                let shown = try ShowDocument.of(pid)
                #expect(shown.isDeadlock && shown.circle.count == 2 && shown.circle.contains(demo.pid))
            }
        }

        /// Two who hand each other a byte all the time sleep by turns: never at the same moment.
        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func noDeadlockOfWhoGoOn() throws {
            let child = try Child(
                [
                    "python3", "-c",
                    """
                    import os
                    a, b = os.pipe(), os.pipe()
                    first = os.fork() > 0
                    read, write = (b[0], a[1]) if first else (a[0], b[1])
                    for end in a + b:
                        if end not in (read, write): os.close(end)
                    if first: os.write(write, b"x"); print("ready", flush=True)
                    while os.read(read, 1): os.write(write, b"x")
                    """,
                ])
            defer { for child in ProcessView(pid: child.pid).children { kill(child, SIGKILL) } }
            #expect(try child.readLine() == "ready")
            for _ in 0..<8 {
                #expect(try IpcDocument.of(["\(child.pid)"]).channels.allSatisfy { $0.state != "stuck" })
                #expect(try !ShowDocument.of(child.pid).isDeadlock)
            }
        }

        /// A reader whose writer could go on is not stuck: by its own time, or since only one of them waits.
        @Test func noDeadlock() throws {
            for words in [
                ["served"], ["channels", "stream"], ["channels", "pipe"], ["circle", "timed"], ["circle", "eventfd"],
            ] {
                let demo = try Demo("nusu-demo", words)
                let both = [demo.pid] + demo.otherPids
                #expect(comesTrue { both.allSatisfy { ProcessView(pid: $0).isWholly("S") } })
                #expect(try IpcDocument.of(["\(demo.pid)"]).channels.allSatisfy { $0.state != "stuck" }, "\(words)")
            }
        }

        @Test func flow() throws {
            let demo = try demo("flow")
            let child = try #require(demo.otherPid)
            let document = try IpcDocument.of(["\(demo.pid)", "--over", "0.4s"])
            let tcp = try #require(document.joining([demo.pid, child]).first)
            let flow = try #require(tcp.flow)
            let sent = max(flow.bytes ?? 0, flow.bytesBack ?? 0)
            #expect(sent > 1000 && min(flow.bytes ?? 1, flow.bytesBack ?? 1) == 0 && flow.moved == true)
            // What the kernel does not count is not called 0.
            let pipes = document.channels.filter { $0.kind == "pipe" }
            #expect(!pipes.isEmpty && pipes.allSatisfy { $0.flow?.bytes == nil })
        }

        @Test func chain() throws {
            let shell = try Child(["sh", "-c", "exec </dev/null >/dev/null 2>&1; sleep 100 | cat | cat"])
            defer { for child in ProcessView(pid: shell.pid).children { kill(child, SIGKILL) } }
            let view = ProcessView(pid: shell.pid)
            #expect(comesTrue { view.children.count == 3 })
            let pids = view.children.sorted()
            // The shell has closed its ends of the pipes too.
            let isReady = comesTrue {
                pids.map { ProcessView(pid: $0).status("Name") } == ["sleep", "cat", "cat"]
                    && !view.links.values.contains { $0.hasPrefix("pipe:") }
            }
            try #require(isReady)
            for (from, to) in [(pids[0], pids[2]), (pids[2], pids[0])] {
                let document = try IpcDocument.of(["\(from)", "\(to)"])
                #expect(document.chains?.map { $0.map(\.to) } == [[pids[1], to]])
                #expect(Set(document.channels.map(\.kind)) == ["pipe"])
            }
            let text = try run([Surroundings.nusu, "ipc", "\(pids[0])", "\(pids[2])"]).text
            #expect(
                text.contains(
                    "sleep (\(pids[0])) and cat (\(pids[2])) are joined in 2 steps, through cat(\(pids[1]))"))
            #expect(text.contains("sleep(\(pids[0])) ==pipe==> cat(\(pids[1]))"))
            #expect(try run([Surroundings.nusu, "ipc", "\(pids[0])", "\(pids[0])"]).status == 64)
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func otherUser() throws {
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let copy = "\(try Surroundings.temporaryFolder())/nusu"
            _ = try run(["cp", Surroundings.nusu, copy])
            let demo = try demo("tcp")
            let child = try #require(demo.otherPid)
            let document = try IpcDocument.of([], as: nobody, program: copy)
            #expect(document.unseen.contains(demo.pid) && document.unseen.contains(child))
            #expect(document.joining([demo.pid, child]).isEmpty)
            // Who may not look never says that there is nothing; that they are relatives everybody may see.
            _ = try IpcDocument.of(["\(demo.pid)", "\(child)"], status: 2, as: nobody, program: copy)
            let other = try self.demo("pipe")
            let text = try run(nobody + [copy, "ipc"]).text
            #expect(text.contains("Not visible: ") && text.contains("of user root"), "\(text)")
            let one = try run(nobody + [copy, "ipc", "\(other.pid)"])
            #expect(one.status == 0 && one.text.contains("may not be seen"), "\(one.text)")
            // Its own it sees.
            let own = try Demo("/usr/bin/setpriv", Array(nobody.dropFirst()) + [try ownDemo(copy), "channels", "pipe"])
            let seen = try IpcDocument.of(["\(own.pid)"], as: nobody, program: copy)
            #expect(edges(seen.joining([own.pid, try #require(own.otherPid)])) == truth(own))
        }

        /// A copy beside another program's, that every user may run.
        private func ownDemo(_ beside: String) throws -> String {
            let path = beside + "-demo"
            _ = try run(["cp", "\(Surroundings.products)/nusu-demo", path])
            return path
        }

        /// Sockets, System V objects and process numbers of other namespaces.
        @Test(.enabled(if: Surroundings.hasPidNamespaces, "no namespaces can be made"))
        func namespaces() throws {
            let unshare = ["unshare", "--fork", "--kill-child"]
            let demos = try [
                ("abstract", demo("abstract", through: unshare + ["--net"])),
                ("stream", demo("stream", through: unshare + ["--net"])),
                ("sysv-msg", demo("sysv-msg", through: unshare + ["--ipc"])),
                ("sysv", demo("sysv", through: unshare + ["--ipc"])),
                ("mqueue", demo("mqueue", through: unshare + ["--ipc"])),
            ]
            func sides(_ demo: Demo) -> Set<Int32> {
                Set([demo.view.children.first, demo.otherPid].compactMap { $0 })
            }
            // Who waits at a channel may not sleep yet.
            var all = try IpcDocument.of([])
            _ = try comesTrue {
                if demos.allSatisfy({ edges(all.joining(sides($0.1))) == truth($0.1) }) { return true }
                all = try IpcDocument.of([])
                return false
            }
            for (kind, demo) in demos {
                let child = try #require(demo.otherPid)
                let parent = try #require(demo.view.children.first)
                #expect(edges(all.joining([parent, child])) == truth(demo), "\(kind)")
            }
            // Numbers are those outside, whatever the process itself is called inside.
            let inner = try demo("pipe", through: unshare + ["--pid"])
            let parent = try #require(inner.view.children.first)
            let child = try #require(ProcessView(pid: parent).children.first)
            let pipe = try #require(try IpcDocument.of(["\(parent)"]).joining([parent, child]).first)
            #expect(pipe.ends.map(\.role).sorted() == ["read", "write"] && pipe.waiting == 100)
        }

        @Test func whileOthersComeAndGo() throws {
            let shell = try Child(["sh", "-c", "while :; do true | true | true; done"])
            for _ in 0..<4 { _ = try IpcDocument.of([]) }
            kill(shell.pid, SIGKILL)
            #expect(try run([Surroundings.nusu, "ipc", "4000000000"]).status == 66)
            #expect(try run([Surroundings.nusu, "ipc", "--dot", "--json"]).status == 64)
            #expect(try run([Surroundings.nusu, "ipc", "self"]).status == 0)
        }

        @Test(.enabled(if: installed("dot") != nil, "graphviz is not installed"))
        func drawing() throws {
            let name = "a\"];\\N\n{<b>"
            let path = "\(try Surroundings.temporaryFolder())/\(name)"
            _ = try run(["cp", "\(Surroundings.products)/nusu-demo", path])
            let demo = try Demo(path, ["channels", "named"])
            // The machine may have thousands of processes: laying those out takes graphviz minutes.
            for (words, form) in [(["ipc", "--dot"], "canon"), (["ipc", "\(demo.pid)", "--dot"], "plain")] {
                let drawn = try run([Surroundings.nusu] + words)
                #expect(
                    drawn.text.contains("p\(demo.pid) [label=\"a\\\"];\\\\N\\\\n{<b>\\n\(demo.pid)\"]"), "\(drawn.text)"
                )
                let dot = try Child(["dot", "-T\(form)"], capturesErrors: true)
                dot.write(drawn.text)
                dot.closeInput()
                let outcome = try dot.finish(withinSeconds: 300)
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
                #expect(outcome.text.contains(form == "plain" ? "node p\(demo.pid) " : "p\(demo.pid)"))
            }
        }
    }
}
