import Capture
import Glibc
import Kernel
import Model
import Testing

/// What traces say of real programs, against what the kernel counts of them.
extension LiveTests {
    @Suite(.enabled(if: hasSwitchRecords, "records of all cores need CAP_PERFMON or kernel.perf_event_paranoid=0"))
    struct SwitchTraceTests {
        static let onFirstCore = ["taskset", "-c", "0"]

        /// A program on the first core.
        static func pinned(_ words: [String]) throws -> Child { try Child(onFirstCore + words, capturesErrors: true) }

        /// A program that never blocks, once it does so.
        static func busy(_ before: [String] = []) throws -> Child {
            let child = try Child(before + ["sh", "-c", "echo ready; while :; do :; done"], capturesErrors: true)
            guard try child.readLine() == "ready" else { throw HarnessError("\(before) sh does not run") }
            try child.settle()
            return child
        }

        static func scope(_ child: Child) throws -> TraceHeader.Scope {
            .process(try ProcFS().identity(of: child.pid))
        }

        /// What was seen lies between what the kernel counted within the trace and what it counted around it, and so do the
        /// counters of the trace's own.
        static func agree(_ tally: SwitchTally, _ pid: Int32) throws {
            let (within, around) = try (#require(tally.within), #require(tally.around))
            let counted = try #require(tally.counted(pid))
            let seen = tally.thread(pid)
            let run = try #require(counted.runNanoseconds)
            for seconds in [Double(seen.runNanoseconds) / 1e9, Double(run) / 1e9] {
                // The counter goes on by the tick; what was stolen of a guest's core may count here and not there.
                #expect(seconds >= within.runSeconds * 0.95 - 0.03, "\(seconds) \(within) \(around)")
                #expect(seconds <= around.runSeconds * 1.05 + 0.03, "\(seconds) \(within) \(around)")
            }
            for count in [seen.preempted, Int(try #require(counted.involuntary))] {
                #expect(
                    count >= within.involuntary - 5 && count <= around.involuntary + 5, "\(count) \(within) \(around)")
            }
            for count in [seen.blocked, Int(try #require(counted.voluntary))] {
                #expect(count >= within.voluntary - 5 && count <= around.voluntary + 5, "\(count) \(within) \(around)")
            }
            #expect(tally.end?.lost == 0 && tally.isOrdered)
        }

        @Test func busyLoopsShareACore() throws {
            let children = try (0..<2).map { _ in try Self.busy(Self.onFirstCore) }
            let tally = try SwitchTally(try Self.scope(children[0]), seconds: 0.8, counting: children[0].pid)
            #expect(tally.header.source == .cpuWide)
            try Self.agree(tally, children[0].pid)
            // Others may take the core too, but both are treated alike.
            let shares = children.map { tally.share($0.pid) }
            #expect(shares[0] / shares[1] > 0.6 && shares[0] / shares[1] < 1.7, "\(shares)")
            #expect(tally.thread(children[0].pid).blocked <= 5)
            #expect(tally.thread(children[0].pid).preempted >= 5)
        }

        @Test func niceTakesItsShare() throws {
            let first = try Self.busy(Self.onFirstCore)
            let second = try Self.busy(Self.onFirstCore + ["nice", "-n", "10"])
            let tally = try SwitchTally(try Self.scope(first), seconds: 0.8, counting: first.pid)
            // Weights of 1,024 and 110 (kernel/sched/core.c, sched_prio_to_weight).
            let ratio = tally.share(first.pid) / max(tally.share(second.pid), 0.001)
            #expect(ratio > 4 && ratio < 25, "\(ratio)")
            try Self.agree(tally, first.pid)
        }

        @Test(
            .enabled(
                if: installed("chrt") != nil && (try? run(["chrt", "-r", "1", "true"]).status) == 0,
                "real-time threads are not permitted here"),
            .enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1, "who traces needs another core"))
        func roundRobinThreadsTakeTurns() throws {
            // Real-time first: an ordinary thread would get no turn on the core of the one before it.
            let children = try (0..<2).map { _ in try Self.busy(["chrt", "-r", "1"] + Self.onFirstCore) }
            defer { for child in children { child.end() } }
            let tally = try SwitchTally(try Self.scope(children[0]), seconds: 0.7)
            for child in children {
                let thread = tally.thread(child.pid)
                // It reads its program from the disk at first.
                #expect(thread.blocked <= 40)
                // Nobody but the other one (and now and then the kernel's throttle) takes the core: a slice is 100 ms
                // (kernel.sched_rr_timeslice_ms), much longer than those of ordinary threads.
                let longest = thread.runs.map(\.count).max() ?? 0
                #expect(longest > 40_000_000 && longest < 400_000_000, "\(longest)")
            }
        }

        private static let partners = """
            $| = 1; pipe(A, B); pipe(C, D);
            if (fork) { close A; close D; while (1) { select undef, undef, undef, 0.001; syswrite B, "x"; sysread(C, $x, 1) or exit; print "ready\\n" if !$rounds++ } }
            close B; close C; while (1) { sysread(A, $x, 1) or exit; select undef, undef, undef, 0.0005; syswrite D, "x" }
            """

        /// One sleeps a millisecond, then asks the other and waits for its answer, which takes half a one.
        @Test(.enabled(if: installed("perl") != nil, "needs perl"))
        func partnersWakeEachOther() throws {
            let parent = try Self.pinned(["perl", "-e", Self.partners])
            #expect(try parent.readLine() == "ready")
            let child = try #require(ProcessView(pid: parent.pid).children.first)
            let tally = try SwitchTally(
                try Self.scope(parent), seconds: 0.5, counting: parent.pid,
                until: { $0.thread(parent.pid).blocked > 100 })
            try Self.agree(tally, parent.pid)
            let thread = tally.thread(parent.pid)
            // Wake-ups are told in the machine's numbers, and not to a container.
            #expect(tally.header.wakeupsSeen == hasMachineNumbers)
            #expect(thread.blocked > 100 && thread.sleeps == (hasMachineNumbers ? [.interruptible] : [nil]))
            guard hasMachineNumbers else { return }
            let byPartner = thread.wakers[ThreadKey(pid: child, tid: child)] ?? 0
            // The timer's interrupt, whomever it interrupted.
            let byInterrupt = thread.wakers[.some(.idle)] ?? 0
            let woken = thread.wakers.values.reduce(0, +)
            #expect(byPartner > woken / 3 && byInterrupt > woken / 3 && byPartner + byInterrupt >= woken - 3)
            #expect(abs(woken - thread.blocked) <= 3)
        }

        private static let waiter = """
            use Fcntl ":flock"; use Time::HiRes "clock_gettime", "CLOCK_PROCESS_CPUTIME_ID";
            open F, ">>", $ARGV[0]; flock F, LOCK_EX;
            my $end = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) + 0.03;
            while (clock_gettime(CLOCK_PROCESS_CPUTIME_ID) < $end) {}
            """

        /// Three wait for a lock that another holds, and go on one after the other.
        @Test(.enabled(if: installed("perl") != nil && installed("flock") != nil, "needs perl and flock"))
        func convoyBehindALock() throws {
            let file = try TemporaryFile("lock", [])
            let holder = try Child(["flock", "--no-fork", file.path, "sleep", "60"])
            #expect(comesTrue { ProcessView(pid: holder.pid).status("Name") == "sleep" })
            let waiters = try (0..<3).map { _ in try Child(["perl", "-e", Self.waiter, file.path]) }
            let procfs = ProcFS()
            #expect(comesTrue { waiters.allSatisfy { procfs.waits(from: $0.pid).first?.cause == .fileLock } })
            let keys = waiters.map { ThreadKey(pid: $0.pid, tid: $0.pid) }
            let tally = try SwitchTally(try Self.scope(waiters[2]), seconds: 1.2) {
                holder.end()
            } until: { tally in
                keys.allSatisfy { tally.exits.contains($0) }
            }
            #expect(comesTrue { waiters.allSatisfy { $0.poll() != nil } })
            // Seen asleep in the lock before the holder's end, and then woken by who had it.
            #expect(tally.waits.contains { $0.thread.tid == waiters[2].pid && $0.call == "flock" })
            let family = Set(([holder.pid] + waiters.map(\.pid)).map { ThreadKey(pid: $0, tid: $0) })
            #expect(tally.found[ThreadKey(pid: waiters[2].pid, tid: waiters[2].pid)] == .some(.interruptible))
            for waiter in waiters {
                let wakers = tally.thread(waiter.pid).wakers.keys
                let isByThem = wakers.contains { $0.map(family.contains) ?? false }
                #expect(isByThem == hasMachineNumbers, "\(wakers)")
                #expect(tally.exits.contains(ThreadKey(pid: waiter.pid, tid: waiter.pid)))
            }
            // Who holds the lock runs for 30 ms: no two at a time.
            let runs = waiters.map { tally.thread($0.pid).runs }.sorted {
                $0.first?.lowerBound ?? 0 < $1.first?.lowerBound ?? 0
            }
            for (one, next) in zip(runs, runs.dropFirst()) {
                let start = try #require(next.first).lowerBound
                let both = one.reduce(0) {
                    $0 + Int($1.upperBound) - Int(max(min(start, $1.upperBound), $1.lowerBound))
                }
                // It ends after it has let the lock go, which is work too.
                #expect(both < 25_000_000, "\(runs)")
            }
        }

        @Test func commandsAreSeenFromTheirFirstInstruction() throws {
            let procfs = ProcFS()
            let gate = SignalGate(children: true)
            let waiting = try HeldCommand(
                ["sh", "-c", "sh -c 'exec true'; sh -c 'exec sleep 0.1'"], mask: gate)
            let pid = waiting.pid
            #expect(comesTrue { ProcessView(pid: pid).state == "S" })
            let trace = SwitchTrace(.command(try procfs.identity(of: pid)))
            var tally = SwitchTally(trace.header)
            var command = try waiting.release()
            let deadline = Clock.now + 60
            while command.ending() == nil, Clock.now < deadline { tally.add(trace.next(seconds: 0.02)) }
            tally.finish(trace)
            gate.hold()
            #expect(command.ending() == .exited(code: 0))
            let key = ThreadKey(pid: pid, tid: pid)
            #expect(tally.found[key] == .some(.interruptible))
            #expect(tally.names[key]?.last == "sh")
            let children = tally.forks.filter { $0.parent == key }.map(\.child)
            #expect(children.count == 2)
            #expect(Set(children.compactMap { tally.names[$0]?.last }) == ["true", "sleep"])
            for child in children + [key] { #expect(tally.exits.contains(child)) }
            #expect(tally.end?.differences.contains { $0.thread == key && !$0.isNew } == true)
        }

        @Test func threadsComeAndGo() throws {
            let program = try Child([
                "python3", "-c",
                "import threading, time\nwhile True:\n t = threading.Thread(target=time.sleep, args=(0.02,)); t.start(); t.join(); print('ready', flush=True)",
            ])
            #expect(try program.readLine() == "ready")
            func born(_ tally: SwitchTally) -> [(parent: ThreadKey, child: ThreadKey)] {
                tally.forks.filter { $0.child.pid == program.pid }
            }
            // The last ones have not ended yet.
            func isWhole(_ tally: SwitchTally) -> Bool {
                let first = born(tally).prefix(5)
                return first.count == 5 && first.allSatisfy { tally.exits.contains($0.child) }
            }
            let tally = try SwitchTally(try Self.scope(program), seconds: 0.6, until: { isWhole($0) })
            #expect(isWhole(tally))
            let born = born(tally)
            #expect(born.allSatisfy { $0.child.tid != program.pid && $0.parent.pid == program.pid })
            #expect(born.prefix(5).allSatisfy { (tally.threads[$0.child]?.begun ?? 0) >= 1 })
        }

        /// Cores are never idle and busy at once, and what all threads of one core ran is the length of the trace.
        @Test func coresAddUp() throws {
            let tally = try SwitchTally(.machine, seconds: 0.5)
            let length = Double(try #require(tally.end).nanoseconds)
            let sum = tally.threads.values.reduce(0.0) { $0 + Double($1.runNanoseconds) }
            // A core on which nothing was switched all the time does not show.
            #expect(sum <= length * Double(tally.header.cores.count) * 1.001)
            // A container is not told of idle cores.
            #expect(hasMachineNumbers ? sum >= length * 0.9 : tally.threads[.idle] == nil)
            #expect(tally.isOrdered && tally.header.wakeupsSeen == tally.header.reasonsSeen)
        }
    }

    /// Whether processes have the numbers here that they have outside of all containers (PROC_PID_INIT_INO,
    /// include/linux/proc_ns.h): switches are told in those of the reader, the rest only in the machine's.
    static let hasMachineNumbers: Bool = {
        var link = [CChar](repeating: 0, count: 64)
        guard readlink("/proc/self/ns/pid", &link, link.count - 1) > 0 else { return true }
        return strcmp(link, "pid:[4026531836]") == 0
    }()

    /// Whether switches of all threads may be seen.
    static let hasSwitchRecords: Bool = {
        do {
            _ = try SwitchRings(bytes: 1 << 20)
            return true
        } catch { return false }
    }()
}
