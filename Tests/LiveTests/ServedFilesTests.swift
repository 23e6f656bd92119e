import Glibc
import Testing

private let canServe =
    Surroundings.isRoot && access("/dev/fuse", R_OK | W_OK) == 0
    && (try? run(["/usr/bin/python3", "-c", "import fusepy"]).status) == 0

extension LiveTests {
    /// A process that has a library from a FUSE file system that it serves itself: whoever stops it and then waits for its
    /// files waits for ever.
    @Suite(
        "Files that the target itself serves",
        .enabled(
            if: canServe && Surroundings.mayTrace,
            "needs root, /dev/fuse, python3-fusepy and ptrace"))
    struct ServedFilesTests {
        private static let program = """
            import ctypes, errno, os, stat, sys, threading, time
            from fusepy import FUSE, FuseOSError, Operations
            content = open('/lib/x86_64-linux-gnu/libm.so.6', 'rb').read()
            class Files(Operations):
                def getattr(self, path, handle=None):
                    if path == '/': return dict(st_mode=stat.S_IFDIR | 0o755, st_nlink=2)
                    if path not in ('/library.so', '/table'): raise FuseOSError(errno.ENOENT)
                    return dict(st_mode=stat.S_IFREG | 0o755, st_nlink=1, st_size=len(content))
                def read(self, path, size, offset, handle): return content[offset:offset + size]
            folder = sys.argv[1]
            threading.Thread(target=lambda: FUSE(Files(), folder, foreground=True, nothreads=True), daemon=True).start()
            while not os.path.ismount(folder): time.sleep(0.01)
            mmap = ctypes.CDLL(None).mmap
            mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
            # Code, and a table of constants. No descriptor is left open: at its end the process would wait for itself.
            for name, size, access, offset in [('/library.so', len(content), 5, 0), ('/table', 65536, 1, 1 << 18)]:
                file = os.open(folder + name, os.O_RDONLY)
                mmap(None, size, access, 2, file, offset)
                os.close(file)
            print('ready', flush=True)
            time.sleep(1000)
            """

        /// nusu, ended after a time that is long for it and short for a hang.
        private func look(_ arguments: [String]) throws -> (status: Int32, text: String) {
            let outcome = try run(["timeout", "-s", "KILL", "120", Surroundings.nusu] + arguments)
            return (outcome.status, outcome.text)
        }

        @Test(arguments: [false, true]) func nothingHangs(unmounted: Bool) throws {
            let folder = try Surroundings.temporaryFolder()
            let child = try Child(["/usr/bin/python3", "-c", Self.program, folder])
            defer {
                child.end()
                _ = try? run(["umount", "-l", folder])
            }
            #expect(try child.readLine() == "ready")
            if unmounted {
                // Gone from mountinfo, and served on: the kernel's own list has it, where that may be seen.
                guard access("/sys/fs/fuse/connections/", R_OK) == 0,
                    try run(["sh", "-c", "ls /sys/fs/fuse/connections"]).text.contains(where: \.isNumber)
                else { return }
                #expect(try run(["umount", "-l", folder]).status == 0)
            }
            let pid = "\(child.pid)"
            for arguments in [
                ["leaks", "--snapshot", "stream", "--json", pid], ["leaks", "--confirm", "never", "--json", pid],
                ["maps", "--json", pid], ["memory", "--json", pid], [pid, "--json"],
            ] {
                let outcome = try look(arguments)
                #expect(outcome.status != 137, "\(arguments) hung")
                #expect(
                    outcome.text.contains("\"what\":\"2 files that it has mapped\""), "\(arguments): \(outcome.text)")
                #expect(ProcessView(pid: child.pid).status("State")?.hasPrefix("S") == true, "\(arguments)")
            }
        }

        @Test("A server that has died, or stands still") func dead() throws {
            let folder = try Surroundings.temporaryFolder()
            let child = try Child(["/usr/bin/python3", "-c", Self.program, folder])
            defer {
                kill(child.pid, SIGCONT)
                child.end()
                _ = try? run(["umount", "-l", folder])
            }
            #expect(try child.readLine() == "ready")
            let pid = "\(child.pid)"
            kill(child.pid, SIGSTOP)
            #expect(comesTrue { ProcessView(pid: child.pid).isWholly("T") })
            // What the kernel remembers of the files' attributes holds for a second.
            sleep(2)
            for arguments in [["maps", pid], ["memory", pid], [pid]] {
                let outcome = try look(arguments + ["--json"])
                #expect(outcome.status != 137, "\(arguments) hung")
                #expect(outcome.text.contains("2 files that it has mapped"), "\(arguments): \(outcome.text)")
            }
        }
    }
}
