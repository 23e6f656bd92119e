import Capture
import Glibc
import Kernel
import Model
import Testing

extension LiveTests {
    /// Which processors processes and threads may run on, changed and read back as the kernel and taskset(1) have it.
    @Suite(.enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1, "there is only one processor"))
    struct ProcessorTests {
        private let procfs = ProcFS()

        /// Five threads that sleep; with a word many more, the last of which starts others for ever.
        private static let program = """
            import sys, threading, time
            for _ in range(4): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            def go():
                while True:
                    threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()
                    time.sleep(0.0005)
            if len(sys.argv) > 1:
                threading.stack_size(65536)
                for _ in range(1000): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
                threading.Thread(target=go, daemon=True).start()
            print("ready", flush=True)
            time.sleep(600)
            """

        private func program(
            within words: [String] = [], _ arguments: String...
        ) throws -> (Child, ProcessIdentity) {
            let child = try Child(words + ["python3", "-c", Self.program] + arguments)
            guard try child.readLine() == "ready" else { throw HarnessError("python3 does not start") }
            return (child, try procfs.identity(of: child.pid))
        }

        /// The kernel's own words, of each thread.
        private func lists(_ pid: pid_t) -> [String] {
            ProcessView(pid: pid).threads.sorted().map { thread in
                let status = Surroundings.readFile("/proc/\(pid)/task/\(thread)/status") ?? ""
                return status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
                    .map { String($0.dropFirst("Cpus_allowed_list:".count).filter { $0 != "\t" }) } ?? ""
            }
        }

        private static let removed = ProcessorChange(removed: ProcessorSet([0]))

        @Test func allThreadsOfAProcess() throws {
            let (child, process) = try program()
            let before = try #require(procfs.processorUse(of: process))
            #expect(before.threadCount == 5 && before.ofAll == before.ofSome)
            #expect(before.ofAll.description == lists(child.pid)[0])
            let after = try procfs.changeProcessors(of: process, Self.removed)
            let wanted = before.ofAll.subtracting(ProcessorSet([0]))
            #expect(after.ofAll == wanted && after.ofSome == wanted && after.threadCount == 5)
            #expect(lists(child.pid) == Array(repeating: wanted.description, count: 5))
            _ = try procfs.changeProcessors(of: process, ProcessorChange(added: ProcessorSet([0])))
            #expect(lists(child.pid) == Array(repeating: before.ofAll.description, count: 5))
        }

        @Test func oneThreadOfThem() throws {
            let (child, process) = try program()
            let before = lists(child.pid)
            let number = try #require(ProcessView(pid: child.pid).threads.sorted().dropFirst(2).first)
            let stat = try procfs.stat(of: child.pid, thread: number)
            let thread = ProcessIdentity(
                pid: number, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
            let use = try procfs.changeProcessors(of: process, thread: thread, Self.removed)
            #expect(use.threadCount == 1 && !use.ofSome.contains(0))
            var wanted = before
            wanted[2] = use.ofAll.description
            #expect(lists(child.pid) == wanted)
            let whole = try #require(procfs.processorUse(of: process))
            #expect(!whole.ofAll.contains(0) && whole.ofSome.contains(0))
            // taskset(1) sees the same.
            if installed("taskset") != nil {
                let text = try run(["taskset", "-cp", "\(number)"]).text
                #expect(text.hasSuffix(" list: \(use.ofAll)\n"), "\(text)")
            }
        }

        /// A thread is not left out because it was started, by one that was not yet changed, after their list was read.
        @Test func threadsThatAreStartedMeanwhile() throws {
            let (child, process) = try program("go")
            #expect(comesTrue { ProcessView(pid: child.pid).threads.count > 1010 })
            for _ in 0..<8 {
                _ = try procfs.changeProcessors(of: process, Self.removed)
                let left = Set(lists(child.pid))
                #expect(!left.contains { $0.hasPrefix("0") }, "\(left)")
                _ = try procfs.changeProcessors(of: process, ProcessorChange(added: ProcessorSet([0])))
            }
        }

        @Test func whatHasEndedIsNotMoved() throws {
            let child = try Child(["sleep", "0"])
            #expect(comesTrue { ProcessView(pid: child.pid).state == "Z" })
            let error = #expect(throws: Failure.self) {
                try procfs.changeProcessors(of: try procfs.identity(of: child.pid), Self.removed)
            }
            #expect(error?.kind == .noTarget)
        }

        @Test(.enabled(if: ControlGroup.mayMake("cpuset"), "no cpuset group of version 1 can be made here"))
        func whatTheCpusetForbids() throws {
            let group = try ControlGroup("cpuset")
            try group.set("cpuset.cpus", 0)
            try group.set("cpuset.mems", 0)
            let (child, process) = try program(within: group.entry)
            defer {
                child.end()
                group.remove()
            }
            let use = try #require(procfs.processorUse(of: process))
            #expect(use.allowed == ProcessorSet([0]) && use.ofAll == ProcessorSet([0]))
            // The kernel takes what it can of it, and says nothing.
            let more = try procfs.changeProcessors(of: process, ProcessorChange(added: ProcessorSet([1])))
            #expect(more.ofAll == ProcessorSet([0]))
            let error = #expect(throws: Failure.self) {
                try procfs.changeProcessors(
                    of: process, ProcessorChange(added: ProcessorSet([1]), removed: ProcessorSet([0])))
            }
            #expect(error?.kind == .unsupported && error?.what.contains("its cpuset leaves it 0") == true)
            #expect(Set(lists(child.pid)) == ["0"])
        }

        @Test(
            .enabled(if: (try? ProcFS().stat(of: 2).isKernelThread) == true, "threads of the kernel are not to be seen")
        )
        func threadsThatTheKernelBound() throws {
            let bound = try procfs.processIDs().first { pid in
                guard let stat = try? procfs.stat(of: pid) else { return false }
                return stat.isKernelThread && stat.commandBytes.starts(with: "ksoftirqd/".utf8)
            }
            let process = try procfs.identity(of: try #require(bound))
            let before = procfs.processorUse(of: process)
            let error = #expect(throws: Failure.self) {
                try procfs.changeProcessors(
                    of: process, ProcessorChange(added: ProcessorSet([1]), removed: ProcessorSet([0])))
            }
            #expect(error?.what.contains(Surroundings.isRoot ? "the kernel bound it" : "another user's") == true)
            #expect(procfs.processorUse(of: process) == before)
        }

        /// Kernels for more than 1,024 processors refuse a buffer of that size: it grows. Here a smaller kernel says how many it has.
        @Test func theKernelsOwnSize() throws {
            let own = try ProcessorSet.ofThread(0)
            #expect(own.description == lists(getpid())[0] || !own.isEmpty)
            #expect(throws: (any Error).self) { try ProcessorSet().set(ofThread: 0) }
            #expect(throws: (any Error).self) { try ProcessorSet.ofThread(Int32.max) }
        }
    }
}
