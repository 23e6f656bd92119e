import Testing

/// Programs in Go: their heap is the garbage collector's, and glibc's only where C is called.
extension LiveTests {
    @Suite(.serialized, .enabled(if: installed("go") != nil, "go is not installed"))
    struct GoTests {
        @Test func withoutC() throws {
            let program = try start(
                """
                package main

                import (
                    "os"
                    "time"
                )

                var kept [][]byte

                func main() {
                    for i := 0; i < 1000; i++ {
                        kept = append(kept, make([]byte, 1000))
                    }
                    os.Stdout.WriteString("ready\\n")
                    time.Sleep(time.Hour)
                }
                """)
            let failure = try LeakRun("\(program.pid)").failure()
            #expect(failure.status == 69)
            #expect(failure.what.contains("is a Go program") && failure.remedy.contains("pprof"), "\(failure)")
            #expect(ProcessView(pid: program.pid).harm.isEmpty)
        }

        /// What C has lost is found, what only Go holds is not lost, and what was not seen is said.
        @Test(.enabled(if: Surroundings.hasCompiler, "no C compiler"))
        func withC() throws {
            let program = try start(
                """
                package main

                // #include <stdlib.h>
                import "C"
                import (
                    "os"
                    "time"
                    "unsafe"
                )

                var held []unsafe.Pointer

                func main() {
                    for i := 0; i < 100; i++ {
                        C.malloc(1000)
                        held = append(held, C.malloc(2000))
                    }
                    os.Stdout.WriteString("ready\\n")
                    time.Sleep(time.Hour)
                }
                """)
            for method in ["copy", "fork", "stream"] {
                let run = try LeakRun("\(program.pid)", ["--snapshot", method, "--max-pause", "20"])
                let document = try run.document()
                #expect(run.outcome.status == 1)
                // A word of the last one may be left on a stack.
                let definite = document.summary.definite
                #expect((99...100).contains(definite.blocks) && definite.bytes == definite.blocks * 1000, "\(definite)")
                #expect(document.gaps.contains { $0.what.contains("Go's allocator") }, "\(document.gaps)")
                #expect(ProcessView(pid: program.pid).harm.isEmpty)
            }
        }

        private func start(_ source: String) throws -> Child {
            let folder = try Surroundings.temporaryFolder()
            let build = "cd \(folder) && cat > main.go && HOME=\(folder) GOFLAGS= GO111MODULE=off go build main.go"
            let shell = try Child(["sh", "-c", build], capturesErrors: true)
            shell.write(source)
            shell.closeInput()
            let outcome = try shell.finish(withinSeconds: 600)
            guard outcome.status == 0 else { throw HarnessError("go build: \(outcome.errors)") }
            let program = try Child(["\(folder)/main"])
            guard try program.readLine() == "ready" else { throw HarnessError("the Go program did not start") }
            try program.settle()
            return program
        }
    }
}
