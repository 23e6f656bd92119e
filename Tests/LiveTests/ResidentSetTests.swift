import Glibc
import Testing

extension LiveTests {
    /// A look must not make its target larger: reading a page that the target has never touched would map it there.
    @Suite(
        .serialized, .enabled(if: Surroundings.mayTrace, "ptrace is not permitted here"),
        .enabled(if: installed("python3") != nil, "python3 is not installed"))
    struct ResidentSetTests {
        @Test(arguments: ["copy", "fork", "stream"])
        func staysAsItIs(_ method: String) throws {
            // Its child has written to memory that it shares and has not touched itself.
            let child = try Child([
                "python3", "-c",
                """
                import json, mmap, os, sys
                common = mmap.mmap(-1, 8 << 20)
                if os.fork() == 0:
                    common[:] = b'x' * (8 << 20)
                    print('ready', flush=True)
                    sys.stdin.read()
                    os._exit(0)
                sys.stdin.read()
                """,
            ])
            _ = try child.readLine()
            #expect(ProcessView(pid: child.pid).becomesQuiet())
            let before = resident(child.pid)
            for verb in ["leaks", "heap", "memory"] {
                let outcome = try run([
                    Surroundings.nusu, verb, "\(child.pid)", "--snapshot", method, "--max-pause", "20",
                ])
                #expect([0, 1, 2].contains(outcome.status), "\(outcome.errors)")
            }
            let after = resident(child.pid)
            #expect(after["RssAnon"] == before["RssAnon"])
            // Without the right to open files of memory they are read where they are mapped.
            if Surroundings.isRoot { #expect(after["RssShmem"] == before["RssShmem"]) }
            // A copy reads the pages of modules' variables that were never written.
            #expect((after["RssFile"] ?? 0) - (before["RssFile"] ?? 0) <= 512, "\(before) \(after)")
        }

        /// KiB.
        private func resident(_ pid: pid_t) -> [String: Int] {
            var result: [String: Int] = [:]
            for name in ["RssAnon", "RssFile", "RssShmem"] {
                result[name] = ProcessView(pid: pid).status(name)?.split(separator: " ").first.flatMap { Int($0) }
            }
            return result
        }
    }
}
