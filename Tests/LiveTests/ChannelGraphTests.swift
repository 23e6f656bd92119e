import Capture
import Glibc
import Model
import Testing

extension LiveTests {
    /// What the look at all channels sees of real processes, in namespaces and while they come and go.
    @Suite(.serialized, .enabled(if: installed("python3") != nil, "python3 is not installed"))
    struct ChannelGraphTests {
        /// What the program has said before it was ready.
        private var said: [String] = []

        /// Says "ready" when `script` has run, and sleeps.
        private mutating func python(_ script: String, in words: [String] = []) throws -> Child {
            let program = """
                import os, sys, time, socket, mmap, ctypes, struct
                libc = ctypes.CDLL(None, use_errno=True)
                def pair(first, second):
                    pid = os.fork()
                    if pid == 0:
                        libc.prctl(1, 9)
                        second()
                        while True: time.sleep(9)
                    first()
                    return pid
                def settled(first, second):
                    done, told = os.pipe()
                    pid = pair(lambda: None, lambda: (os.close(done), second(), os.close(told)))
                    os.close(told)
                    os.read(done, 1)
                    os.close(done)
                    first()
                    return pid
                \(script)
                print("ready", flush=True)
                sys.stdin.read()
                """
            let child = try Child(words + ["python3", "-c", program])
            said = []
            while let line = try child.readLine() {
                if line == "ready" { return child }
                said.append(line)
            }
            throw HarnessError("the program ended before it was ready")
        }

        private func graph(until isThere: (ChannelGraph) -> Bool = { _ in true }) throws -> ChannelGraph {
            var graph = try ProcFS().channelGraph()
            _ = try comesTrue {
                if isThere(graph) { return true }
                graph = try ProcFS().channelGraph()
                return false
            }
            return graph
        }

        private func descendants(_ pid: Int32, _ graph: ChannelGraph) -> Set<Int32> {
            var result: Set<Int32> = [pid]
            // Children have higher numbers than their parents, but where numbers have begun anew.
            for _ in 0..<4 {
                for (child, process) in graph.processes where result.contains(process.parent) { result.insert(child) }
            }
            return result
        }

        /// Of a connection in another network namespace, memory in another IPC namespace, and all seen from outside of the PID
        /// namespace.
        @Test(.enabled(if: geteuid() == 0, "other namespaces need root"))
        mutating func namespaces() throws {
            let script = """
                import fcntl, subprocess
                flags = struct.unpack("16sh", fcntl.ioctl(socket.socket(), 0x8913, struct.pack("16sh", b"lo", 0))[:18])[1]
                fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
                listener = socket.create_server(("127.0.0.1", 0))
                client = socket.create_connection(listener.getsockname())
                server, _ = listener.accept()
                client.send(b"12345")
                one = libc.shmget(0, 8192, 0o1600)
                libc.shmat.restype = ctypes.c_void_p
                libc.shmat(one, None, 0)
                queue = libc.msgget(0, 0o1600)
                libc.msgsnd(queue, struct.pack("l8s", 1, b"hello"), 8, 0)
                settled(lambda: client.close(), lambda: server.close())
                """
            let child = try python(script, in: ["unshare", "--net", "--ipc", "--pid", "--fork", "--kill-child"])
            var pids: Set<Int32> = []
            let graph = try graph {
                pids = descendants(child.pid, $0).subtracting([child.pid])
                return pids.count == 2
            }
            let own = graph.channels.filter { $0.ends.contains { pids.contains($0.pid) } }
            let tcp = try #require(own.first { $0.kind == .tcp })
            #expect(Set(tcp.ends.map(\.pid)) == pids && tcp.sure)
            #expect(max(tcp.waiting ?? 0, tcp.waitingBack ?? 0) == 5 && tcp.state == .unread)
            #expect(
                tcp.details.contains { if case .namespace(let name) = $0 { name.hasPrefix("net:[") } else { false } })
            let memory = try #require(own.first { $0.memory == .sysv })
            #expect(
                Set(memory.ends.map(\.pid)) == pids && memory.size == 8192 && memory.ends.allSatisfy { $0.role == .map }
            )
            #expect(
                memory.details.contains { if case .namespace(let name) = $0 { name.hasPrefix("ipc:[") } else { false } }
            )
            let queue = try #require(own.first { $0.kind == .sysvMessages })
            #expect(queue.messages == 1 && queue.waiting == 8 && queue.ends.map(\.role) == [.used] && !queue.sure)
        }

        /// The same files by other paths, and other files by the same path.
        @Test(.enabled(if: geteuid() == 0, "other namespaces need root"))
        mutating func mountNamespaces() throws {
            let folder = try Surroundings.temporaryFolder()
            defer { _ = try? run(["rm", "-r", folder]) }
            let child = try python(
                """
                import fcntl
                base, other = "\(folder)/base", "\(folder)/other"
                os.mkdir(base)
                os.mkdir(other)
                def listen(path):
                    place = socket.socket(socket.AF_UNIX)
                    place.bind(path)
                    place.listen(0)
                    return place
                def share(path):
                    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                    os.ftruncate(file, 8192)
                    return mmap.mmap(file, 8192), os.close(file)
                os.mkfifo(base + "/fifo")
                lock = os.open(base + "/lock", os.O_RDWR | os.O_CREAT)
                fcntl.flock(lock, fcntl.LOCK_EX)
                fifo = os.open(base + "/fifo", os.O_RDWR)
                memory, same = share(base + "/memory"), listen(base + "/same")
                server = listen(base + "/server")
                done, told = os.pipe()
                def calls(listener):
                    listener.close()
                    kept = []
                    while True:
                        kept.append(socket.socket(socket.AF_UNIX))
                        kept[-1].connect(base + "/same")
                def inside():
                    os.close(fifo)
                    os.close(lock)
                    same.close()
                    server.close()
                    memory[0].close()
                    assert libc.unshare(0x20000) == 0
                    assert libc.mount(b"none", b"/", None, 0x44000, None) == 0
                    assert libc.mount(base.encode(), other.encode(), None, 4096, None) == 0
                    assert libc.mount(b"none", base.encode(), b"tmpfs", 0, None) == 0
                    kept = [os.open(other + "/fifo", os.O_RDONLY), share(other + "/memory"), listen(base + "/same")]
                    client = socket.socket(socket.AF_UNIX)
                    client.connect(other + "/server")
                    own = os.open(other + "/lock", os.O_RDWR)
                    print("caller", pair(lambda: None, lambda: calls(kept[2])), flush=True)
                    os.write(told, b"x")
                    fcntl.flock(own, fcntl.LOCK_EX)
                pid = pair(lambda: (os.close(told), os.read(done, 1)), inside)
                print("inside", pid, flush=True)
                server.settimeout(9)
                accepted, _ = server.accept()
                """)
            // The caller is told of before the other one lets the first go on.
            let pids = said.compactMap { $0.split(separator: " ").last.flatMap { Int32($0) } }
            try #require(pids.count == 2, "\(said)")
            let (caller, inside) = (pids[0], pids[1])
            var stuck: Channel?
            let graph = try graph { graph in
                stuck = graph.channels.first { $0.stuck?.cause == .unaccepted && $0.stuck?.pid == caller }
                return stuck != nil
            }
            func joins(_ kind: Channel.Kind, _ name: String) -> Set<Int32> {
                let found = graph.channels.filter { channel in
                    channel.kind == kind && String(decoding: channel.name, as: UTF8.self).contains(name)
                        && channel.ends.contains { $0.pid == inside }
                }
                return found.count == 1 ? Set(found[0].ends.map(\.pid)) : []
            }
            #expect(joins(.fifo, "/fifo").isSuperset(of: [child.pid, inside]))
            #expect(joins(.sharedMemory, "/memory").isSuperset(of: [child.pid, inside]))
            #expect(joins(.unix, "/server").isSuperset(of: [child.pid, inside]))
            // Not who listens at the same path elsewhere.
            #expect(stuck?.ends.contains { $0.pid == inside && $0.role == .listen } == true)
            #expect(stuck?.ends.contains { $0.pid == child.pid } == false)
            let shown = try ShowDocument.of(inside) { $0.waits.first?.call == "flock" }
            #expect(shown.waits.first?.awaited == [child.pid])
        }

        /// A pair that stays, among processes that are made and end all the time.
        @Test mutating func processesThatEndMeanwhile() throws {
            let stays = try python("r, w = os.pipe(); settled(lambda: os.close(r), lambda: os.close(w))")
            let comes = try python(
                """
                def storm():
                    while True:
                        r, w = os.pipe()
                        memory = mmap.mmap(-1, 4096)
                        pids = []
                        for _ in range(8):
                            pid = os.fork()
                            if pid == 0:
                                a, b = socket.socketpair()
                                os._exit(0)
                            pids.append(pid)
                        os.close(r)
                        os.close(w)
                        for pid in pids: os.waitpid(pid, 0)
                pair(lambda: None, storm)
                """)
            for _ in 0..<5 {
                let graph = try graph { descendants(stays.pid, $0).count == 2 }
                let pids = descendants(stays.pid, graph)
                let pipes = graph.channels.filter { channel in
                    channel.kind == .pipe && Set(channel.ends.map(\.pid)) == pids
                        && channel.ends.allSatisfy { $0.fd ?? 0 > 2 }
                }
                #expect(
                    pipes.count == 1
                        && pipes.first?.ends.map(\.role).sorted { $0.rawValue < $1.rawValue } == [.read, .write])
                #expect(graph.channels.allSatisfy { !$0.ends.isEmpty || $0.kind != .pipe })
            }
            #expect(comes.poll() == nil)
        }

        /// Looking never takes a byte out, lets a writer on that waits for a reader, or keeps a reader from the end.
        @Test mutating func harmless() throws {
            let fifo = "/tmp/\(Surroundings.ownName)-fifo"
            try #require(mkfifo(fifo, 0o600) == 0)
            defer { unlink(fifo) }
            let child = try python(
                """
                r, w = os.pipe()
                os.write(w, b"x" * 1000)
                import threading
                opened = []
                def waits():
                    opened.append(os.open("\(fifo)", os.O_WRONLY))
                threading.Thread(target=waits, daemon=True).start()
                """)
            for _ in 0..<5 {
                let graph = try graph()
                // The test's own ends of its standard input and output count as nusu's, which are left out.
                let pipe = graph.channels.first { channel in
                    channel.kind == .pipe && channel.ends.allSatisfy { $0.pid == child.pid && $0.fd ?? 0 > 2 }
                }
                #expect(pipe?.waiting == 1000 && pipe?.capacity == 65536)
                #expect(!graph.channels.contains { $0.kind == .fifo && $0.name == Array(fifo.utf8) })
            }
            // Nobody has the FIFO open for reading: a writer that does not wait is refused, as before.
            #expect(open(fifo, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO)
        }

        /// The end of the last writer is seen by the reader while nusu looks all the time.
        @Test mutating func endOfFile() throws {
            for _ in 0..<2 {
                let child = try python(
                    """
                    r, w = os.pipe()
                    print(pair(lambda: os.close(w), lambda: None), flush=True)
                    def reader():
                        print("end" if os.read(r, 1) == b"" else "data", flush=True)
                    import threading
                    threading.Thread(target=reader, daemon=True).start()
                    """)
                let writer = try #require(said.first.flatMap { pid_t($0) })
                for round in 0..<3 {
                    if round == 1 { kill(writer, SIGKILL) }
                    _ = try graph()
                }
                #expect(try child.readLine() == "end")
            }
        }

        /// Somebody sleeps at each kind of channel that can be full, and for each it is said who.
        @Test mutating func fullChannels() throws {
            let name = "/\(Surroundings.ownName)"
            let child = try python(
                """
                name = b"\(name)"
                class attributes(ctypes.Structure):
                    _fields_ = [(n, ctypes.c_long) for n in ("flags", "maximum", "size", "current")] + [("pad", ctypes.c_long * 4)]
                def forever(call):
                    def run():
                        while True: call()
                    return run
                def say(kind, pid): print(kind, pid, flush=True)
                one, two = socket.socketpair()
                say("unix", pair(lambda: one.close(), forever(lambda: one.sendall(b"x" * 65536))))
                listener = socket.create_server(("127.0.0.1", 0))
                client = socket.create_connection(listener.getsockname())
                server, _ = listener.accept()
                say("tcp", pair(lambda: client.close(), forever(lambda: client.sendall(b"x" * 65536))))
                queue = libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, ctypes.byref(attributes(0, 2, 16)))
                libc.mq_unlink(name)
                say("mqueue", pair(lambda: None, forever(lambda: libc.mq_send(queue, b"hello", 5, 0))))
                messages = libc.msgget(0, 0o1600)
                say("queue", messages)
                say("sysv-msg", pair(lambda: None, forever(lambda: libc.msgsnd(messages, b"1" * 8 + b"x" * 8000, 8000, 0))))
                place = socket.socket(socket.AF_UNIX)
                place.bind("\\0" + name.decode())
                place.listen(0)
                def calls():
                    kept = []
                    while True:
                        kept.append(socket.socket(socket.AF_UNIX))
                        kept[-1].connect("\\0" + name.decode())
                say("connect", pair(lambda: None, calls))
                """)
            var sleepers: [String: Int32] = [:]
            for line in said {
                let words = line.split(separator: " ")
                if words.count == 2, let pid = Int32(words[1]) { sleepers[String(words[0])] = pid }
            }
            // It outlives who made it.
            defer { if let queue = sleepers["queue"] { _ = try? run(["ipcrm", "-q", "\(queue)"]) } }
            func stuck(_ graph: ChannelGraph, _ kind: Channel.Kind, _ pid: Int32?) -> Channel? {
                graph.channels.first { $0.kind == kind && $0.stuck?.pid == pid && pid != nil }
            }
            var calls: Channel?
            let graph = try graph { graph in
                calls = graph.channels.first {
                    $0.kind == .unix && $0.stuck?.cause == .unaccepted && $0.stuck?.pid == sleepers["connect"]
                }
                return calls != nil
                    && [Channel.Kind.unix, .tcp, .mqueue, .sysvMessages].allSatisfy {
                        stuck(graph, $0, sleepers[$0.rawValue]) != nil
                    }
            }
            for kind in [Channel.Kind.unix, .tcp, .mqueue, .sysvMessages] {
                let channel = try #require(stuck(graph, kind, sleepers[kind.rawValue]), "\(kind)")
                #expect(channel.stuck?.cause == .full && (channel.since ?? 99) < 30)
                #expect(channel.ends.contains { $0.pid == sleepers[kind.rawValue] && $0.thread == $0.pid })
            }
            #expect(stuck(graph, .mqueue, sleepers["mqueue"])?.messages == 2)
            #expect(stuck(graph, .sysvMessages, sleepers["sysv-msg"])?.capacity ?? 0 > 0)
            #expect(
                calls?.name == Array(("@" + name).utf8)
                    && calls?.ends.contains { $0.pid == child.pid && $0.role == .listen } == true)
        }

        /// Nobody else can read what it writes, nor accept it.
        @Test mutating func stuckByItself() throws {
            let child = try python(
                """
                import threading
                r, w = os.pipe()
                place = socket.socket(socket.AF_UNIX)
                place.bind("\\0\(Surroundings.ownName)-own")
                place.listen(0)
                kept = []
                def calls():
                    while True:
                        kept.append(socket.socket(socket.AF_UNIX))
                        kept[-1].connect(place.getsockname())
                for one in (lambda: os.write(w, b"x" * 100000), calls):
                    threading.Thread(target=one, daemon=True).start()
                """)
            func stuck(_ graph: ChannelGraph) -> [Channel] { graph.channels.filter { $0.stuck?.pid == child.pid } }
            let graph = try graph { stuck($0).count == 2 }
            #expect(Set(stuck(graph).map(\.kind)) == [.pipe, .unix])
            let call = stuck(graph).first { $0.kind == .unix }
            #expect(
                call?.ends.map(\.role) == [.listen, .both] && call?.ends.allSatisfy { $0.pid == child.pid } == true)
            let text = try run([Surroundings.nusu, "ipc", "\(child.pid)"]).text
            #expect(text.contains("; 2 are stuck: python3 (\(child.pid)) sleeps since "), "\(text)")
            #expect(text.contains(": only itself could "), "\(text)")
        }

        /// After a fork both have one epoll; two that watch the same are two.
        @Test mutating func sharedOpenFiles() throws {
            let child = try python(
                """
                import select
                r, w = os.pipe()
                one = select.epoll(); one.register(r, 1)
                two = select.epoll(); two.register(r, 1)
                settled(lambda: None, lambda: None)
                """)
            let graph = try graph { descendants(child.pid, $0).count == 2 }
            let pids = descendants(child.pid, graph)
            let epolls = graph.channels.filter { $0.kind == .epoll && Set($0.ends.map(\.pid)) == pids }
            #expect(epolls.count == 2 && epolls.allSatisfy { $0.ends.count == 2 && $0.ends[0].fd == $0.ends[1].fd })
            #expect(epolls.allSatisfy { $0.watched.count == 1 && $0.watched[0].hasPrefix("pipe:[") })
        }
    }
}
