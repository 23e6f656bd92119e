import Model
import Testing

@testable import Capture

/// The readers on what kernels said for real. Each recording is of the same processes (`Tests/Kernels/roles.c`).
@Suite("Recorded kernels") struct RecordedKernelTests {
    private static let sources: ProcessSources = [
        .arguments, .status, .schedstat, .waitChannel, .controlGroups, .io, .executable, .proportional,
    ]

    @Test("Names, states, arguments and programs", arguments: RecordedKernel.versions)
    func processes(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let records = try ProcFS(root: kernel.root).scan(.init(Self.sources)).records
        #expect(records.count == 23)
        func record(_ role: String) throws -> ProcessRecord {
            let pid = try kernel.pid(role)
            return try #require(records.first { $0.processID == pid })
        }
        let roles = try kernel.pid("roles")
        let zombieParent = try kernel.pid("zombie-parent")
        for (role, name) in [
            ("parenthesis", ") R 1 (x"), ("newline", "a\nPid:\t1"), ("kernel", "[kthreadd]"), ("empty", ""),
            ("threads", "roles"), ("deleted", "gone"),
        ] {
            let record = try record(role)
            #expect(record.stat.commandBytes == Array(name.utf8), "\(role)")
            #expect(
                record.stat.state == UInt8(ascii: "S") && record.stat.parent == roles, "\(role)")
            #expect(!record.stat.isKernelThread && record.stat.processGroup == record.processID, "\(role)")
            #expect(record.status?.processID == record.processID, "a name must not pass as a line of status")
        }
        let deleted = try record("deleted")
        #expect(deleted.argumentBytes == Array("/tmp/gone\0--rest\0\0last \u{1b}[31m\n\0".utf8))
        #expect(deleted.executable == Array("/tmp/gone (deleted)".utf8))
        #expect(try record("stopped").stat.isStopped)
        #expect(try record("vfork").stat.isUninterruptible)
        #expect(try record("threads").stat.threadCount == 3)
        let fifo = try record("fifo").stat
        #expect(fifo.policy == 1 && fifo.realTimePriority == 5)
        let batch = try record("batch").stat
        #expect(batch.policy == 3 && batch.nice == 7)
        let zombie = try #require(records.first { $0.stat.isZombie })
        #expect(records.filter(\.stat.isZombie).count == 1)
        #expect(zombie.stat.parent == zombieParent && zombie.stat.exitStatus == 7 << 8)
        #expect(zombie.argumentBytes == [])
        let kernelThread = try #require(records.first { $0.processID == 2 })
        #expect(kernelThread.stat.isKernelThread && kernelThread.stat.commandBytes == Array("kthreadd".utf8))
        for record in records where !record.stat.isZombie {
            #expect(record.runTimes != nil && record.io != nil && record.containerBytes == nil, "\(record.processID)")
            #expect(record.status?.voluntarySwitches != nil)
        }
        let user = try #require(try record("user").status)
        #expect(user.user.real == 1000 && user.user.effective == 1001 && user.group.saved == 1001)
        #expect(user.seccompMode == 2 && user.effectiveCapabilities == 0)
        let memory = try record("memory")
        #expect(memory.status?.lockedBytes == 1 << 20)
        #expect((memory.status?.residentBytes ?? 0) > 4 << 20 && (memory.proportionalBytes ?? 0) > 4 << 20)
    }

    @Test("Families", arguments: RecordedKernel.versions) func families(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let roles = try kernel.pid("roles")
        let parent = try kernel.pid("zombie-parent")
        let zombie = try #require(try procfs.children(of: parent).first)
        let relatives = try ProcessRelatives(procfs)
        #expect(relatives.ancestors(of: zombie) == [parent, roles, 1])
        #expect(relatives.tree(of: roles).count == 21)
        #expect(try procfs.children(of: roles).count == 17)
        #expect(relatives.group(of: parent) == [parent, zombie])
    }

    @Test("Threads and their names", arguments: RecordedKernel.versions) func threads(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let request = ProcessScan.Request([.schedstat], processes: [try kernel.pid("threads")], threads: true)
        let records = try ProcFS(root: kernel.root).scan(request).records
        #expect(
            records.map { String(decoding: $0.stat.commandBytes, as: UTF8.self) }.sorted()
                == [") Z 1", "roles", "worker\u{1b}[1m"])
        #expect(records.allSatisfy { ($0.runTimes?.ran ?? 0) > 0 && $0.stat.state == UInt8(ascii: "S") })
    }

    @Test("What decides on signals", arguments: RecordedKernel.versions) func signals(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let signals = try procfs.signals(of: kernel.pid("signals"))
        #expect(signals.caught.contains(15) && signals.ignored.contains(1))
        let thread = try #require(signals.threads.first)
        #expect(signals.threads.count == 1 && thread.blocked.contains(10) && thread.pending.contains(10))
        // Its parent is of the same session and another group.
        #expect(signals.isGroupOrphaned == false)
        #expect(try procfs.signals(of: kernel.pid("stopped")).threads.first?.state == UInt8(ascii: "T"))
        #expect(try procfs.signals(of: 2).isKernelThread)
    }

    @Test("Why they wait, and for whom", arguments: RecordedKernel.versions) func waits(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let roles = try kernel.pid("roles")
        let pipe = procfs.waits(from: try kernel.pid("pipe"))
        guard case .pipe(_, true, _) = pipe.first?.cause else {
            Issue.record("\(pipe)")
            return
        }
        #expect(pipe.first?.awaited.contains { $0.process.pid == roles } == true && pipe.first?.descriptor == 3)
        let child = procfs.waits(from: try kernel.pid("waiting"))
        #expect(child.map(\.cause) == [.child, .fileLock, .signal])
        #expect(child.last?.process.pid == (try kernel.pid("lock-holder")))
        #expect(procfs.waits(from: try kernel.pid("vfork")).map(\.cause) == [.child, .signal])
        // Linux 5.10 does not say by which signal.
        let stopped = WaitReason.Cause.stopped(by: version == "5.10" ? nil : 19)
        #expect(procfs.waits(from: try kernel.pid("stopped")).map(\.cause) == [stopped])
        let channels = procfs.waits(from: try kernel.pid("pipe")).first?.channel
        // On Linux 5.10 for x86-64 wchan is 0 for every thread that sleeps.
        let expected = ["5.10": nil, "6.1": "pipe_read", "6.12": "pipe_read", "7.2": "anon_pipe_read"]
        #expect(channels == expected[version] ?? nil)
    }

    @Test("The whole of one process", arguments: RecordedKernel.versions) func portrait(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let batch = try kernel.pid("batch")
        let portrait = try procfs.portrait(of: procfs.identity(of: batch), own: batch)
        let files = try #require(portrait.limits.first { $0.name == "Max open files" })
        #expect(files.soft == 123 && files.hard == 456)
        #expect(portrait.limits.count == 16)
        #expect(portrait.ancestors.map(\.identity.pid) == [try kernel.pid("roles"), 1])
        #expect(portrait.status["Cpus_allowed_list"] == "0-1")
        #expect(portrait.record.namespaces?.inodes[.pid] == 4_026_531_836)
        #expect(portrait.record.oomAdjustment == 0)
        #expect(portrait.record.loginUser == nil)
        // Since Linux 6.6 the scheduler has a slice for each.
        #expect(portrait.sliceSeconds == (["5.10", "6.1"].contains(version) ? nil : 0.0014))
        let user = try kernel.pid("user")
        let status = try procfs.portrait(of: procfs.identity(of: user), own: user).status
        #expect(status["NoNewPrivs"] == "1" && status["Groups"] == "100 101 ")
    }

    @Test("Mappings", arguments: RecordedKernel.versions) func mappings(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let memory = try kernel.pid("memory")
        let mappings = try procfs.mappings(of: memory)
        let file = try #require(mappings.first { $0.nameBytes == Array("/tmp/a b\n(deleted)".utf8) })
        #expect(file.permissions.contains(.shared) && file.range.upper - file.range.lower == 1 << 20)
        for name in ["[heap]", "[stack]", "[vdso]", "[vvar]"] {
            #expect(mappings.contains { $0.nameBytes == Array(name.utf8) }, "\(name)")
        }
        let advised = try procfs.smaps(of: memory).filter {
            !$0.flags.isDisjoint(with: [.leftOutOfForks, .wipedOnFork])
        }
        #expect(advised.isEmpty)
        let deleted = try procfs.mappings(of: kernel.pid("deleted"))
        #expect(deleted.contains { $0.nameBytes == Array("/tmp/gone (deleted)".utf8) })
    }

    @Test("Facts of the machine", arguments: RecordedKernel.versions) func facts(_ version: String) throws {
        let kernel = try RecordedKernel.of(version)
        let procfs = ProcFS(root: kernel.root)
        let facts = procfs.machineFacts()
        #expect((1...60).contains(facts.uptime ?? 0))
        #expect((facts.bootTime ?? 0) > 1_700_000_000)
        // A machine of 2 GiB, of which the kernel keeps some for itself.
        #expect((1_900 << 20...2_048 << 20).contains(facts.memoryBytes ?? 0))
        #expect(facts.processLimit >= 32768)
        #expect(facts.terminalName(4 << 8 | 65) == "ttyS1")
        #expect(procfs.ptraceScope() == 0)
        #expect(procfs.overcommit().availableBytes != nil)
    }
}
