import Glibc
import Testing

/// The same demos as other compilers, settings and libraries build them.
extension LiveTests {
    @Suite(.serialized, .enabled(if: Surroundings.hasCompiler, "no C compiler"))
    struct VariantTests {
        /// Compiles the C demo and returns its path.
        static func build(_ compiler: String, _ flags: [String], linking: [String] = []) throws -> String {
            let folder = try Surroundings.temporaryFolder()
            let demos = "\(Surroundings.package)/Sources/Demos"
            let path = "\(folder)/demo"
            let command =
                ([compiler] + flags + ["-I\(demos)/Truth/include"]).joined(separator: " ")
                + " \(demos)/C/*.c \(demos)/Truth/*.c -o \(path) -pthread " + linking.joined(separator: " ")
            let outcome = try run(["sh", "-c", command])
            guard outcome.status == 0 else { throw HarnessError("\(command): \(outcome.errors)") }
            return path
        }

        static let cases = ["overwrite", "long-ring", "arenas", "finished", "registers", "globals", "history 4"]

        func compare(_ path: String, cases: [String] = cases) throws {
            for arguments in cases {
                let demo = try Demo(path, arguments.split(separator: " ").map(String.init))
                let run = try LeakRun("\(demo.pid)")
                let wrong = differences(try run.document(), from: demo.truth)
                #expect(wrong.isEmpty, "\(arguments): \(wrong.joined(separator: "\n"))")
                #expect(demo.view.harm.isEmpty)
            }
        }

        @Test(arguments: [["-O0"], ["-O2", "-s"], ["-O3", "-fomit-frame-pointer", "-no-pie", "-Wl,-z,norelro"]])
        func compiled(_ flags: [String]) throws {
            try compare(Self.build("cc", flags))
        }

        @Test(.enabled(if: Surroundings.linksStatically, "no static C library"))
        func staticProgram() throws {
            try compare(Self.build("cc", ["-O2", "-static", "-DNUSU_DEMO_STATIC"]))
            try compare(
                Self.build("cc", ["-O2", "-static-pie", "-s", "-DNUSU_DEMO_STATIC"]), cases: ["overwrite", "globals"])
        }

        @Test(.enabled(if: installed("musl-gcc") != nil, "musl-gcc is not installed"))
        func musl() throws {
            for flags in [["-O1"], ["-O1", "-static"]] {
                let demo = try Demo(Self.muslProgram(flags), [])
                let failure = try LeakRun("\(demo.pid)").failure()
                #expect(failure.status == 69, "\(failure)")
                // A static program does not say which C library it was linked with.
                if !flags.contains("-static") {
                    #expect("\(failure.what) \(failure.remedy)".contains("musl"), "\(failure)")
                }
                #expect(demo.view.harm.isEmpty)
            }
        }

        /// The demos use what only glibc has: a small program is enough here.
        static func muslProgram(_ flags: [String]) throws -> String {
            let folder = try Surroundings.temporaryFolder()
            let source = """
                #include <stdlib.h>
                #include <unistd.h>
                void *volatile held;
                int main(void) {
                    for (int i = 0; i < 100; i++) held = malloc(1000);
                    (void)!write(1, "ready\\n", 6);
                    alarm(1200);
                    for (;;) pause();
                }
                """
            let command =
                "cat > \(folder)/demo.c && musl-gcc \(flags.joined(separator: " ")) \(folder)/demo.c -o \(folder)/demo"
            let shell = try Child(["sh", "-c", command])
            shell.write(source)
            shell.closeInput()
            let outcome = try shell.finish(withinSeconds: 300)
            guard outcome.status == 0 else { throw HarnessError("\(command) failed") }
            return "\(folder)/demo"
        }

        @Test func addressSanitizer() throws {
            let path = try Self.build("cc", ["-O1", "-fsanitize=address"])
            let demo = try Demo(path, ["overwrite"])
            #expect(try LeakRun("\(demo.pid)").failure().status == 69)
        }

        @Test(.enabled(if: installed("valgrind") != nil, "valgrind is not installed"))
        func valgrindsTarget() throws {
            // Built with gcc: valgrind does not read every debug format.
            let path = try Self.build("cc", ["-O1"])
            let child = try Child(["valgrind", "-q", path, "overwrite", "--seconds", "1200"])
            while let line = try child.readLine(), line != "ready" {}
            #expect(child.poll() == nil)
            // Its table of two million equal pointers is not followed pointer by pointer: that took 28 s of a processor.
            let run = try LeakRun("\(child.pid)")
            #expect(run.outcome.processorSeconds < 10, "\(run.outcome.processorSeconds)")
            let failure = try run.failure()
            #expect(failure.status == 69, "\(failure)")
        }

        @Test func checkedMalloc() throws {
            // libc_malloc_debug keeps bytes of its own behind each block: looked at, or refused in words.
            let library = "libc_malloc_debug.so.0"
            let environment = ["LD_PRELOAD": library, "MALLOC_CHECK_": "3"]
            let demo = try Demo("nusu-demo", ["overwrite"], environment: environment)
            let run = try LeakRun("\(demo.pid)")
            if run.outcome.status == 69 { return }
            #expect(differences(try run.document(), from: demo.truth).isEmpty)
        }
    }
}
