import Capture
import FoundationEssentials
import Glibc
import Model
import SystemPackage
import Testing

/// The parts of the nusu.kill/1 document that the tests read.
struct KillDocument: Decodable {
    struct Name: Decodable {
        let number: Int32
        let name: String?
    }

    struct Step: Decodable {
        let signal: Name
        let result: String
        let effect: String?
        let endedAfterSeconds: Double?
    }

    struct Target: Decodable {
        let pid: Int32
        let ended: Bool
        let exitStatus: Int32?
        let endSignal: Name?
        let steps: [Step]
    }

    let schema: String
    let targets: [Target]
    let remarks: [String]
}

struct KillRun {
    let status: Int32
    let document: KillDocument

    init(_ arguments: [String]) throws {
        let outcome = try run([Surroundings.nusu, "kill"] + arguments + ["--json"])
        status = outcome.status
        document = try JSONDecoder().decode(KillDocument.self, from: Data(outcome.output))
    }
}

extension LiveTests {
    @Suite(.serialized) struct KillTests {
        private func demo(_ arguments: String...) throws -> Demo {
            try Demo("nusu-demo", arguments, environment: ["SWIFT_BACKTRACE": "enable=no"])
        }

        @Test(arguments: [["-TERM"], ["-15"], ["-s", "TERM"], ["--signal", "SIGTERM"], ["--signal=15"], []])
        func inAnyForm(_ form: [String]) throws {
            let demo = try demo("reachable")
            let run = try KillRun(form + ["\(demo.pid)"])
            #expect(run.status == 0)
            #expect(run.document.schema == "nusu.kill/1")
            #expect(run.document.targets.map(\.pid) == [demo.pid])
            #expect(run.document.targets.first?.ended == true)
            #expect(demo.hasEnded())
            #expect(demo.poll() == 128 + SIGTERM)
        }

        /// The kernel takes 0.1 s for each GiB: meanwhile it does not run on.
        @Test(
            .enabled(
                if: installed("python3") != nil && Surroundings.availableBytes > 4 << 30,
                "python3 is not installed, or less than 4 GiB of memory are available"))
        func largeOnesEnd() throws {
            let program = "import time; kept = b'x' * (2 << 30); print('ready', flush=True); time.sleep(60)"
            let child = try Child(["python3", "-c", program])
            #expect(try child.readLine() == "ready")
            let target = try #require(try KillRun(["\(child.pid)"]).document.targets.first)
            #expect(target.ended)
            #expect(target.endSignal?.name == "TERM")
        }

        @Test func saysWhyNothingHappened() throws {
            let ignoring = try demo("stubborn")
            let run = try KillRun(["\(ignoring.pid)"])
            #expect(run.status == 0)
            #expect(run.document.targets.first?.steps.first?.effect == "does nothing: it ignores it")
            #expect(run.document.targets.first?.ended == false)
            let blocking = try demo("signals")
            let blocked = try KillRun(["-USR1", "\(blocking.pid)"]).document.targets.first
            #expect(blocked?.steps.first?.effect?.contains("blocked") == true)
            let parent = try demo("zombie")
            let zombie = try #require(parent.otherPid)
            let dead = try KillRun(["-KILL", "\(zombie)"])
            #expect(dead.document.targets.first?.steps.first?.effect?.contains("has ended") == true)
            let said = try Child([Surroundings.nusu, "kill", "\(zombie)"]).finish(withinSeconds: 300).text
            #expect(said.contains("has ended") && !said.contains("still runs"))
            #expect(parent.view.zombies == [zombie])
        }

        @Test func endsByWhatWaitedForItsResumption() throws {
            let child = try Child(["sleep", "60"])
            kill(child.pid, SIGSTOP)
            // Both at once would be taken in the order of their numbers.
            #expect(comesTrue { ProcessView(pid: child.pid).isWholly("T") })
            #expect(try KillRun(["\(child.pid)"]).document.targets.first?.ended == false)
            let resumed = try KillRun(["-CONT", "\(child.pid)"]).document.targets.first
            #expect(resumed?.ended == true && resumed?.endSignal?.name == "TERM")
        }

        @Test func exitStatus() throws {
            let demo = try demo("polite", "7")
            // The parent, this test, has not waited yet: the zombie has the status.
            let run = try KillRun(["--wait", "\(demo.pid)"])
            #expect(run.document.targets.first?.exitStatus == 7)
            #expect(run.document.targets.first?.endSignal == nil)
            #expect(demo.hasEnded())
        }

        @Test func ladder() throws {
            let stubborn = try demo("stubborn")
            let polite = try demo("polite")
            let run = try KillRun(["--ladder", "--ladder-wait", "1s", "\(stubborn.pid)", "\(polite.pid)"])
            #expect(run.status == 0)
            let targets = run.document.targets
            try #require(targets.count == 2)
            #expect(targets[0].steps.map(\.signal.name) == ["TERM", "KILL"])
            #expect(targets[0].endSignal?.name == "KILL")
            #expect(targets[1].steps.map(\.signal.name) == ["TERM"])
            #expect(targets[1].exitStatus == 3)
            #expect(stubborn.hasEnded() && polite.hasEnded())
        }

        @Test(arguments: ["-TERM", "-KILL"])
        func tree(_ signal: String) throws {
            let demo = try demo("family", "4")
            let family = Set(demo.otherPids)
            #expect(family.count == 4)
            let run = try KillRun([signal, "--tree", "\(demo.pid)"])
            #expect(Set(run.document.targets.map(\.pid)) == family.union([demo.pid]))
            // Parents first; a tree that stands still goes children first.
            let ends = [run.document.targets.first, run.document.targets.last]
            #expect(ends[signal == "-TERM" ? 0 : 1]?.pid == demo.pid)
            #expect(demo.hasEnded())
            for pid in family { #expect(hasEnded(pid), "\(pid) still runs") }
        }

        /// It forks while it is killed, all the time: nothing may be left.
        @Test func treeThatForks() throws {
            for _ in 0..<8 {
                let demo = try demo("forking")
                usleep(useconds_t.random(in: 0...30_000))
                let run = try KillRun(["-KILL", "--tree", "\(demo.pid)"])
                #expect(run.status == 0)
                #expect(demo.hasEnded())
                for target in run.document.targets { #expect(hasEnded(target.pid)) }
            }
        }

        @Test func session() throws {
            // A child that leads no group is made the leader of its session as it is.
            let child = try Child(["setsid", "sh", "-c", "sleep 50 & sleep 50 & wait"])
            #expect(comesTrue { ProcessView(pid: child.pid).children.count == 2 })
            let members = [child.pid] + ProcessView(pid: child.pid).children
            try #require(members.count == 3)
            let run = try KillRun(["--session", "\(members[1])"])
            #expect(Set(run.document.targets.map(\.pid)) == Set(members))
            for pid in members { #expect(hasEnded(pid)) }
        }

        @Test func dryRunTouchesNothing() throws {
            let demo = try demo("family", "2")
            // They say who they are before they wait.
            let family = [demo.pid] + demo.otherPids
            #expect(comesTrue { family.allSatisfy { ProcessView(pid: $0).state == "S" } })
            let run = try KillRun(["--dry-run", "-KILL", "--tree", "\(demo.pid)"])
            #expect(run.document.targets.count == 3)
            #expect(run.document.targets.allSatisfy { $0.steps.map(\.result) == ["planned"] })
            #expect(family.allSatisfy { ProcessView(pid: $0).state == "S" })
            _ = try KillRun(["-KILL", "--tree", "\(demo.pid)"])
        }

        @Test func nobody() throws {
            let child = try Child(["true"])
            while child.poll() == nil { usleep(1000) }
            #expect(try KillRun(["\(child.pid)"]).status == 1)
            #expect(try KillRun(["nusu-no-such-name"]).status == 1)
            #expect(try run([Surroundings.nusu, "kill"]).status == 64)
            for (words, remedy) in [
                (["-NONSENSE", "1"], "nusu signal"), (["-9", "-1"], "--dry-run"), (["--", "-1"], "--dry-run"),
                (["-TERM", "-123"], "nusu kill --group 123"), (["-l"], "nusu signal"),
            ] {
                let refused = try run([Surroundings.nusu, "kill"] + words)
                #expect(refused.status == 64 && refused.errors.contains(remedy), "\(words)")
            }
            #expect(try run([Surroundings.nusu, "kill", "self"]).status == 64)
        }

        /// A shell of a name of its own runs nusu with that name: it is not meant, its namesake is.
        @Test func neverItsAncestorsByName() throws {
            let folder = try Surroundings.temporaryFolder()
            let shell = "\(folder)/nusu-t-shell"
            _ = try run(["cp", "/bin/sh", shell])
            let script = "\(Surroundings.nusu) kill --all -KILL nusu-t-shell; echo status $?"
            let alone = try run([shell, "-c", script])
            #expect(alone.status == 0 && alone.text.contains("status 1"), "\(alone.text)")
            let other = try Child([shell, "-c", "sleep 50; true"])
            let both = try run([shell, "-c", script])
            #expect(both.status == 0 && both.text.contains("status 0"), "\(both.text)")
            #expect(comesTrue { other.poll() == 128 + SIGKILL })
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func notPermitted() throws {
            let demo = try demo("reachable")
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let outcome = try run(nobody + ["\(folder)/nusu", "kill", "\(demo.pid)"])
            #expect(outcome.status == 77)
            #expect(outcome.text.contains("CAP_KILL"))
            #expect(demo.poll() == nil)
        }

        /// Another process gets the number of one that is held: it must not get its signals.
        @Test(
            .enabled(
                if: access("/proc/sys/kernel/ns_last_pid", W_OK) == 0,
                "choosing the next process's number needs root and CONFIG_CHECKPOINT_RESTORE"))
        func reusedNumber() throws {
            let procfs = ProcFS()
            for _ in 0..<50 {
                let first = try Child(["sleep", "50"])
                let identity = try procfs.identity(of: first.pid)
                let held = try HeldProcess(identity, procfs)
                first.end()
                #expect(held.hasEnded())
                // Start times are told apart by hundredths of a second.
                usleep(20_000)
                guard let file = fopen("/proc/sys/kernel/ns_last_pid", "w") else { continue }
                fputs("\(first.pid - 1)", file)
                fclose(file)
                let second = try Child(["sleep", "50"])
                // Somebody else may have got the number.
                guard second.pid == first.pid else { continue }
                #expect(throws: Errno.noSuchProcess) { try held.send(SIGKILL) }
                #expect(throws: Failure.self) { try HeldProcess(identity, procfs) }
                #expect(held.hasEnded())
                usleep(20_000)
                #expect(second.poll() == nil)
                return
            }
            Issue.record("the number was never given to a second process")
        }

        private func hasEnded(_ pid: pid_t) -> Bool { comesTrue { ProcessView(pid: pid).hasEnded } }
    }
}
