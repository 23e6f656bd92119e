import Glibc
import Testing

extension LiveTests {
    /// Trees, groups, kernels without pidfds, numbers that are given out again, and nusu killed in the middle.
    @Suite(.serialized) struct KillTreeTests {
        private static let filtered = "\(Surroundings.products)/Filtered"

        private func demo(_ arguments: String...) throws -> Demo {
            try Demo("nusu-demo", arguments, environment: ["SWIFT_BACKTRACE": "enable=no"])
        }

        /// nusu's end comes as a KILL does: no instruction of it runs any more. The numbers are those of the pidfds.
        @Test(arguments: [
            ["dies-at=9"], ["dies-at=19:3"], ["dies-at=19:4"], ["dies-at=19:6"], ["dies-at=19:8"],
            ["no-pidfds", "dies-at=9"], ["no-pidfds", "dies-at=19"],
        ])
        func nobodyIsLeftStopped(_ rules: [String]) throws {
            let demo = try demo("family", "6")
            let members = [demo.pid] + demo.otherPids
            let outcome = try run(
                [Self.filtered] + rules + ["--", Surroundings.nusu, "kill", "-KILL", "--tree", "\(demo.pid)"])
            #expect(outcome.status == 128 + SIGSYS, "the step was not reached: \(outcome.text)\(outcome.errors)")
            for pid in members { #expect(awaitState(pid) { $0 == "S" } == "S", "\(rules): \(pid) of \(members)") }
            let after = try KillRun(["-KILL", "--tree", "\(demo.pid)"])
            #expect(after.document.targets.count == 7 && after.document.targets.allSatisfy(\.ended))
        }

        @Test func whoWasStoppedStaysStopped() throws {
            let demo = try demo("family", "3")
            let stopped = try #require(demo.otherPids.last)
            kill(stopped, SIGSTOP)
            #expect(awaitState(stopped) { $0 == "T" } == "T")
            let command = [Surroundings.nusu, "kill", "-KILL", "--tree", "\(demo.pid)"]
            #expect(try run([Self.filtered, "dies-at=9", "--"] + command).status == 128 + SIGSYS)
            for pid in [demo.pid] + demo.otherPids where pid != stopped {
                #expect(awaitState(pid) { $0 == "S" } == "S")
            }
            #expect(ProcessView(pid: stopped).state == "T")
            #expect(try run(command).status == 0)
            #expect(hasEnded(stopped))
        }

        @Test func killedAtAnyMoment() throws {
            for round in 0..<(SnapshotTests.isSoak ? 200 : 12) {
                let demo = try demo("family", "6")
                let child = try Child([Surroundings.nusu, "kill", "-KILL", "--tree", "\(demo.pid)"])
                usleep(UInt32.random(in: 0..<40_000))
                child.end()
                for pid in [demo.pid] + demo.otherPids {
                    let state = awaitState(pid) { $0 != "T" }
                    #expect(state != "T", "round \(round)")
                }
                for pid in demo.otherPids { kill(pid, SIGKILL) }
            }
        }

        /// The kernel sends HUP and CONT to stopped processes whose group nothing ties to its session any more.
        @Test func nobodyRunsOnBetweenStopAndKill() throws {
            let mark = "\(try Surroundings.temporaryFolder())/hung-up"
            let demo = try demo("grouped", mark)
            let group = demo.otherPids
            try #require(group.count == 2 && getpgid(group[1]) == group[0] && getpgid(demo.pid) != group[0])
            #expect(try KillRun(["-KILL", "--tree", "\(group[0])"]).document.targets.map(\.pid) == group.reversed())
            for pid in group { #expect(hasEnded(pid)) }
            #expect(access(mark, F_OK) != 0, "it ran its handler for HUP")
        }

        @Test(arguments: [["-TERM"], ["-KILL", "--tree"], ["--ladder", "--ladder-wait", "200ms", "--group"]])
        func withoutPidfds(_ words: [String]) throws {
            let child = try Child(["setsid", "sh", "-c", "trap '' TERM; sleep 50 & sleep 50 & wait"])
            let members = try family(of: child, 3)
            let outcome = try run(
                [Self.filtered, "no-pidfds", "--", Surroundings.nusu, "kill"] + words + ["\(child.pid)"])
            #expect(outcome.status == 0)
            #expect(outcome.text.contains("this kernel has no pidfds"), "\(outcome.text)")
            if words.count > 1 {
                for pid in members { #expect(hasEnded(pid)) }
            } else {
                #expect(outcome.text.contains("ignores it"), "\(outcome.text)")
                #expect(child.poll() == nil)
                kill(-child.pid, SIGKILL)
            }
        }

        /// A group within a session; the rest of the session is not meant.
        @Test func group() throws {
            let script = "set -m; sh -c 'sleep 50 & sleep 50 & wait' & sleep 51 & wait"
            let child = try Child(["setsid", "bash", "-c", script])
            let jobs = try family(of: child, 3).dropFirst()
            var leader: pid_t?
            _ = comesTrue {
                leader = jobs.first { ProcessView(pid: $0).children.count == 2 }
                return leader != nil
            }
            let job = try #require(leader)
            let members = [job] + ProcessView(pid: job).children
            let other = try #require(jobs.first { $0 != job })
            try #require(members.count == 3 && getpgid(members[2]) == job && getpgid(other) != job)
            let run = try KillRun(["--group", "\(members[1])"])
            #expect(Set(run.document.targets.map(\.pid)) == Set(members))
            for pid in members { #expect(hasEnded(pid)) }
            #expect(awaitState(other) { $0 == "S" } == "S")
            #expect(try KillRun(["--session", "-KILL", "\(other)"]).document.targets.map(\.pid).contains(child.pid))
        }

        /// While the ladder waits, the target ends and all numbers are given out once more: its own goes to another process,
        /// which must not get the KILL. nusu stands still meanwhile.
        @Test(
            .enabled(
                if: Surroundings.isRoot && Surroundings.hasPidNamespaces, "pid namespaces need root and unshare"),
            .enabled(if: hasOwnProcessLimit, "kernel.pid_max is one for all namespaces before Linux 6.14"),
            arguments: [[], ["no-pidfds"]])
        func numberGivenOutAgain(_ rules: [String]) throws {
            let script = """
                echo 340 > /proc/sys/kernel/pid_max
                echo 310 > /proc/sys/kernel/ns_last_pid
                sh -c 'trap ": > \"$0/asked\"" TERM; echo $$ > "$0/target"; sleep 1000 & while :; do wait $!; done' "$0" &
                target=$!
                until [ -s "$0/target" ]; do :; done
                "$@" kill --ladder --ladder-wait 10s $target > "$0/report" &
                ladder=$!
                until [ -e "$0/asked" ]; do :; done
                kill -STOP $ladder
                until grep -q '^State:.T' /proc/$ladder/status; do :; done
                kill -KILL $target; wait $target
                while :; do
                    sleep 40 & second=$!
                    [ $second = $target ] && break
                    kill -KILL $second; wait $second
                done
                kill -CONT $ladder
                wait $ladder; echo "ladder $?"
                kill -0 $second && echo "$second lives"
                kill -KILL $second
                cat "$0/report"
                """
            let folder = try Surroundings.temporaryFolder()
            let outcome = try run(
                ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, folder, Self.filtered] + rules
                    + ["--", Surroundings.nusu], withinSeconds: 300)
            let target = Surroundings.readFile("\(folder)/target")?.filter(\.isNumber) ?? ""
            #expect(outcome.text.contains("ladder 0\n"), "\(outcome.text)")
            #expect(outcome.text.contains("\(target) lives\n"), "\(outcome.text)")
            #expect(!outcome.text.contains("KILL: ended") && !outcome.text.contains("; KILL"), "\(outcome.text)")
        }

        /// Whether a new pid namespace has a limit of its own (Linux 6.14).
        private static let hasOwnProcessLimit: Bool = {
            let script = "unshare --pid --fork --mount-proc sh -c 'echo 4000 > /proc/sys/kernel/pid_max'"
            guard Surroundings.isRoot, let release = Surroundings.readFile("/proc/sys/kernel/osrelease") else {
                return false
            }
            let numbers = release.split(separator: ".").prefix(2).compactMap { Int($0) }
            guard numbers.count == 2, (numbers[0], numbers[1]) >= (6, 14) else { return false }
            return (try? run(["sh", "-c", script]).status) == 0
        }()

        /// A child and what it has started, once there are so many.
        private func family(of child: Child, _ count: Int) throws -> [pid_t] {
            _ = comesTrue { ProcessView(pid: child.pid).children.count >= count - 1 }
            let members = [child.pid] + ProcessView(pid: child.pid).children
            try #require(members.count == count)
            return members
        }

        private func hasEnded(_ pid: pid_t) -> Bool { comesTrue { ProcessView(pid: pid).hasEnded } }

        /// The state once it is a wanted one, or when that took too long; nil when the process is gone.
        private func awaitState(_ pid: pid_t, _ isWanted: (Character?) -> Bool) -> Character? {
            var state = ProcessView(pid: pid).state
            _ = comesTrue {
                state = ProcessView(pid: pid).state
                return isWanted(state)
            }
            return state
        }
    }
}
