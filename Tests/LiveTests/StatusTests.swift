import Glibc
import Testing

/// Targets that cannot be looked at, or only with care: the status and the words.
extension LiveTests {
    @Suite(.serialized) struct StatusTests {
        @Test func zombie() throws {
            let demo = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(demo.otherPid)
            let failure = try LeakRun("\(zombie)").failure()
            #expect(failure.status == 66)
            // Its parent keeps a zombie of its own: nusu must look at it and leave that zombie to it.
            let run = try LeakRun("\(demo.pid)", ["--snapshot", "fork"])
            #expect(differences(try run.document(), from: demo.truth).isEmpty)
            #expect(demo.view.zombies == [zombie])
        }

        @Test func noSuchProcess() throws {
            let child = try Child(["true"])
            #expect(comesTrue { child.poll() != nil })
            #expect(try LeakRun("\(child.pid)").failure().status == 66)
            #expect(try LeakRun("nusu-no-such-name").failure().status == 66)
        }

        @Test(
            .enabled(
                if: ProcessView(pid: 2).status("Kthread") == "1"
                    || ProcessView(pid: 2).status("Name") == "kthreadd", "no kernel threads are visible here"))
        func kernelThread() throws {
            #expect(try LeakRun("2").failure().status == 69)
        }

        @Test func traced() throws {
            let demo = try Demo("nusu-demo", ["traced"])
            let tracer = try #require(demo.otherPid)
            let failure = try LeakRun("\(demo.pid)").failure()
            #expect(failure.status == 77)
            #expect(failure.what.contains("\(tracer)") || failure.remedy.contains("\(tracer)"), "\(failure)")
        }

        @Test(arguments: ["fork", "copy"])
        func stoppedStaysStopped(_ method: String) throws {
            let demo = try Demo("nusu-demo", ["stopped"])
            #expect(comesTrue { demo.view.state == "T" })
            let run = try LeakRun("\(demo.pid)", ["--snapshot", method])
            #expect(differences(try run.document(), from: demo.truth).isEmpty)
            #expect(demo.view.state == "T")
            #expect(!demo.view.isTraced)
            #expect(demo.view.zombies.isEmpty)
            kill(demo.pid, SIGCONT)
            // Between the two it runs.
            #expect(comesTrue { demo.view.state == "S" })
        }

        /// A parent that waits in vfork can be stopped by nobody: said, in bounded time, and left as it was.
        @Test func waitingInVfork() throws {
            let demo = try Demo("nusu-demo", ["vfork"])
            #expect(comesTrue { demo.view.state == "D" })
            let run = try LeakRun("\(demo.pid)")
            #expect([69, 66].contains(try run.failure().status))
            #expect(!demo.view.isTraced)
            #expect(demo.view.state == "D")
        }

        /// What stands in the kernel for a moment only, as it does for a disk, is looked at once it is out of it.
        @Test func leavingTheKernel() throws {
            let demo = try Demo("nusu-demo", ["vfork"])
            #expect(comesTrue { demo.view.state == "D" })
            let words = [Surroundings.nusu, "leaks", "\(demo.pid)", "--json", "--addresses", "--limit", "0"]
            let nusu = try Child(words, capturesErrors: true)
            #expect(comesTrue { demo.view.isTraced })
            // It stands still for longer than a stop is tried for, but not for as long as nusu waits then.
            #expect(comesTrue { !demo.view.isTraced })
            let child = try #require(demo.view.children.first)
            kill(child, SIGKILL)
            let document = try LeakRun(outcome: nusu.finish(withinSeconds: 300)).document()
            #expect(differences(document, from: demo.truth).isEmpty)
            #expect(demo.view.zombies == [child])
            #expect(!demo.view.isTraced && demo.view.state == "S")
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func otherUser() throws {
            let demo = try Demo("nusu-demo", ["overwrite"])
            let folder = try Surroundings.temporaryFolder()
            let copy = "\(folder)/nusu"
            _ = try run(["cp", Surroundings.nusu, copy])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let outcome = try run(nobody + [copy, "leaks", "\(demo.pid)", "--json"])
            let document = LeakRun(outcome: outcome)
            #expect(outcome.status == 77, "\(outcome.text) \(outcome.errors)")
            #expect(try document.failure().status == 77)
            #expect(demo.view.harm.isEmpty)
        }

        /// An ordinary user's own processes need no further right.
        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func ordinaryUser() throws {
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(Surroundings.products)/nusu-demo", folder])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let child = try Child(nobody + ["\(folder)/nusu-demo", "overwrite"])
            while let line = try child.readLine(), line != "ready" {}
            try child.settle()
            let outcome = try run(nobody + ["\(folder)/nusu", "leaks", "\(child.pid)", "--json"])
            #expect(outcome.status == 1, "\(outcome.text) \(outcome.errors)")
            #expect(try LeakRun(outcome: outcome).document().summary.definite.blocks == 99)
            #expect(ProcessView(pid: child.pid).harm.isEmpty)
        }

        @Test func ownProcess() throws {
            #expect(try LeakRun("self").failure().status == 64)
        }

        @Test func unknownOption() throws {
            let outcome = try run([Surroundings.nusu, "leaks", "1", "--no-such-option"])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("do: "))
        }

        /// Debian's Redis uses jemalloc: named, never "no leaks".
        @Test(.enabled(if: installed("redis-server") != nil, "redis-server is not installed"))
        func jemalloc() throws {
            let socket = "\(try Surroundings.temporaryFolder())/socket"
            let server = try Child(["redis-server", "--port", "0", "--unixsocket", socket, "--save", ""])
            try #require(comesTrue { Surroundings.isListening(socket) })
            let failure = try LeakRun("\(server.pid)").failure()
            #expect(failure.status == 69)
            #expect("\(failure.what) \(failure.remedy)".contains("jemalloc"), "\(failure)")
            #expect(ProcessView(pid: server.pid).harm.isEmpty)
        }

        /// It knows the words that allocators are recognised by, and is none of them.
        @Test func itself() throws {
            let looking = try Child([Surroundings.nusu, "top", "--json"])
            _ = try looking.readLine()
            let document = try LeakRun("\(looking.pid)").document()
            let others = document.gaps.filter { $0.what.hasPrefix("blocks of ") }
            #expect(others.isEmpty, "\(others)")
        }
    }
}

extension LeakRun {
    init(outcome: Outcome) { self.outcome = outcome }
}
