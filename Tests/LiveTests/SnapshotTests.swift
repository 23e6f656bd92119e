import Capture
import Glibc
import Model
import Synchronization
import Testing

extension LiveTests {
    /// That a snapshot shows what is there, and that whoever it was taken of does not notice.
    @Suite(
        .serialized, .enabled(if: Surroundings.mayTrace, "ptrace is not permitted here"),
        .enabled(if: Surroundings.hasCompiler, "no C compiler"))
    struct SnapshotTests {
        static let isSoak = getenv("NUSU_SOAK") != nil

        /// Without a bound on the pause: the debug build on a busy machine is slow.
        @discardableResult
        static func take<Result>(
            _ pid: pid_t, _ method: SnapshotMethod? = nil, maxPauseSeconds: Double = 20,
            body: @Sendable (SnapshotSession) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            let options = SnapshotOptions(method: method, maxPauseSeconds: maxPauseSeconds)
            return try Snapshot.take(try Snapshot.plan(pid, options: options), body: body)
        }

        static func failure(_ body: () throws -> Void) -> Failure? {
            do { try body() } catch { return error as? Failure }
            return nil
        }

        @Test(
            arguments: SnapshotMethod.allCases,
            [["wait"], ["registers", "1"], ["registers", "3"], ["sleeps"], ["epoll"], ["churn"]])
        func leavesNoTrace(_ method: SnapshotMethod, _ mode: [String]) throws {
            let program = try SnapshotProgram(mode[0], mode.count > 1 ? mode[1] : "0")
            for _ in 0..<(SnapshotTests.isSoak ? 100 : 5) {
                let threads = try SnapshotTests.take(program.pid, method) { session in session.facts.threads }
                #expect(threads >= 1)
                #expect(program.harm.isEmpty)
            }
            #expect(try program.verdict().isEmpty)
        }

        @Test func manyForks() throws {
            let program = try SnapshotProgram("registers", "0")
            for _ in 0..<(SnapshotTests.isSoak ? 100 : 20) {
                let facts = try SnapshotTests.take(program.pid, .fork) { session in session.facts }
                #expect(facts.method == .fork)
            }
            #expect(program.harm.isEmpty)
            #expect(program.child.poll() == nil)
        }

        @Test(arguments: SnapshotMethod.allCases)
        func readsWhatIsThere(_ method: SnapshotMethod) throws {
            let bytes = 3 << 20
            let program = try SnapshotProgram("large", "\(bytes)")
            let address = try #require(UInt64(try program.child.readLine() ?? ""))
            let (words, populated) = try SnapshotTests.take(program.pid, method) { session in
                let reader = session.image.reader
                return (
                    reader.words(at: address, count: bytes / 8),
                    reader.populated(in: AddressRange(address, address + UInt64(bytes)))
                )
            }
            let expected = (0..<UInt64(bytes / 8)).map { $0 &* 0x9e37_79b9_7f4a_7c15 }
            #expect(words == expected)
            #expect(populated == [AddressRange(address, address + UInt64(bytes))])
            #expect(try program.verdict().isEmpty)
        }

        @Test(arguments: [SnapshotMethod.fork, .copy])
        func standsStillWhileTheTargetRuns(_ method: SnapshotMethod) throws {
            let program = try SnapshotProgram("large", "\(1 << 20)")
            let address = try #require(UInt64(try program.child.readLine() ?? ""))
            // The test waits while the snapshot's thread talks to it.
            nonisolated(unsafe) let child = program.child
            let (before, after) = try SnapshotTests.take(program.pid, method) { session in
                let before = session.image.reader.word(at: address)
                child.write("i")
                _ = try? child.readLine()
                return (before, session.image.reader.word(at: address))
            }
            #expect(before == 0)
            #expect(after == 0)
            let now = try SnapshotTests.take(program.pid, .copy) { $0.image.reader.word(at: address) }
            #expect(now == 1)
            #expect(try program.verdict().isEmpty)
        }

        @Test func readsMemoryThatIsKeptOutOfForks() throws {
            let program = try SnapshotProgram("advised")
            let address = try #require(UInt64(try program.child.readLine() ?? ""))
            let (words, gaps) = try SnapshotTests.take(program.pid, .fork) { session in
                ((0..<3).map { session.image.reader.word(at: address + $0 * 8192) }, session.image.gaps)
            }
            #expect(words == [0x1111_1111_1111_1111, 0x2222_2222_2222_2222, 0x3333_3333_3333_3333])
            #expect(
                gaps.map(\.what) == [
                    "8.0 KiB of memory that is kept out of forks", "8.0 KiB of memory that forks find empty",
                ])
            #expect(try program.verdict().isEmpty)
        }

        @Test(arguments: [SnapshotMethod.fork, .copy])
        func freezesLittleSharedMemory(_ method: SnapshotMethod) throws {
            for (bytes, isFrozen) in [(1 << 20, true), (8 << 20, false)] {
                let program = try SnapshotProgram("shared", "\(bytes)")
                let address = try #require(UInt64(try program.child.readLine() ?? ""))
                // The test waits while the snapshot's thread talks to it.
                nonisolated(unsafe) let child = program.child
                let (word, gaps) = try SnapshotTests.take(program.pid, method) { session in
                    child.write("i")
                    _ = try? child.readLine()
                    return (session.image.reader.word(at: address), session.image.gaps)
                }
                #expect(word == (isFrozen ? 0 : 1))
                #expect(gaps.isEmpty == isFrozen)
                #expect(try program.verdict().isEmpty)
            }
        }

        @Test func peersSeeTheEndWhileTheChildLives() throws {
            let program = try SnapshotProgram("pipe")
            // The test waits while the snapshot's thread talks to it.
            nonisolated(unsafe) let child = program.child
            let pid = program.pid
            let (line, children) = try SnapshotTests.take(pid, .fork) { _ in
                let children = ProcessView(pid: pid).children.count
                child.write("p")
                let line = try? child.readLine()
                return (line, children)
            }
            #expect(children == 1)
            #expect(line == "end")
            #expect(try program.verdict().isEmpty)
        }

        @Test(arguments: SnapshotMethod.allCases)
        func losesAndDoublesNoSignal(_ method: SnapshotMethod) throws {
            let program = try SnapshotProgram("wait")
            let pid = program.pid
            let sent = Mutex(0)
            // SIGRTMIN queues: as many come as were sent.
            for _ in 0..<8 {
                for _ in 0..<20 where kill(pid, __libc_current_sigrtmin()) == 0 { sent.withLock { $0 += 1 } }
                try SnapshotTests.take(pid, method) { _ in
                    for _ in 0..<20 where kill(pid, __libc_current_sigrtmin()) == 0 { sent.withLock { $0 += 1 } }
                }
            }
            program.child.write("c")
            #expect(try program.child.readLine() == "\(sent.withLock { $0 })")
            #expect(program.harm.isEmpty)
            #expect(try program.verdict().isEmpty)
        }

        @Test(arguments: SnapshotMethod.allCases)
        func aStoppedTargetStaysStopped(_ method: SnapshotMethod) throws {
            let program = try SnapshotProgram("registers", "2")
            kill(program.pid, SIGSTOP)
            for _ in 0..<3 {
                try SnapshotTests.take(program.pid, method) { _ in }
                #expect(
                    comesTrue {
                        program.view.threads.allSatisfy { program.view.status("State", thread: $0)?.first == "T" }
                    })
                #expect(program.view.zombies.isEmpty)
            }
            kill(program.pid, SIGCONT)
            #expect(comesTrue { program.harm.isEmpty })
            #expect(try program.verdict().isEmpty)
        }

        @Test func theTargetMayDieMeanwhile() throws {
            for method in SnapshotMethod.allCases {
                let program = try SnapshotProgram("registers", "2")
                let pid = program.pid
                try SnapshotTests.take(pid, method) { _ in _ = kill(pid, SIGKILL) }
                #expect(try program.child.finish(withinSeconds: 60).status == 128 + SIGKILL)
            }
        }

        @Test func aKilledChildIsNoSnapshot() throws {
            let program = try SnapshotProgram("wait")
            let pid = program.pid
            let failure = SnapshotTests.failure {
                try SnapshotTests.take(pid, .fork) { session in
                    for child in ProcessView(pid: pid).children {
                        kill(child, SIGKILL)
                        _ = comesTrue { ProcessView(pid: child).state == "Z" }
                    }
                    _ = session.image.reader.word(at: session.image.threads[0].stackPointer)
                }
            }
            #expect(failure?.kind == .unsupported)
            #expect(program.harm.isEmpty)
            #expect(try program.verdict().isEmpty)
        }

        /// A call injected into a restartable sequence would hide from the kernel that the sequence was interrupted.
        @Test(
            .enabled(if: access("/usr/include/x86_64-linux-gnu/sys/rseq.h", R_OK) == 0, "no sys/rseq.h (glibc 2.35)"),
            arguments: SnapshotMethod.allCases)
        func restartableSequencesStandWhole(_ method: SnapshotMethod) throws {
            let program = try SnapshotProgram("restartable", "3")
            for _ in 0..<(SnapshotTests.isSoak ? 300 : 30) {
                #expect(try SnapshotTests.take(program.pid, method) { $0.facts.method } == method)
            }
            #expect(program.harm.isEmpty)
            #expect(try program.verdict().isEmpty)
        }

        @Test func endsEarlyOnce() throws {
            let program = try SnapshotProgram("wait")
            let pid = program.pid
            let (children, stack, code) = try SnapshotTests.take(pid, .fork) { session in
                session.end()
                session.end()
                let thread = session.image.threads[0]
                return (
                    ProcessView(pid: pid).children.count, session.image.reader.word(at: thread.stackPointer),
                    session.image.reader.word(at: thread.instructionPointer)
                )
            }
            #expect(children == 0)
            #expect(stack != nil)
            #expect(code != nil)
            #expect(try program.verdict().isEmpty)
        }
    }
}
