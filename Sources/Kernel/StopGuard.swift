package import SystemPackage

import CLinux
import Glibc

/// Sees to it that what nusu stops runs on when nusu is at its end, be it by a KILL.
///
/// A child of nusu waits at a pipe for that end. It has copies of the pidfds that nusu holds, so what it continues is what
/// was stopped. Only a nusu with no other thread at work may have one: the child is a copy of the calling thread alone.
package final class StopGuard {
    /// One for each call of `cover`, in that order.
    private var children: [Child] = []

    package init() {}

    deinit { release() }

    /// Whether it is one of the guard's own processes.
    package func contains(_ pid: Int32) -> Bool { children.contains { $0.pid == pid } }

    /// Before anything is stopped: from now on nusu's end leads to `restore`, in another process.
    ///
    /// The corresponding C function is `fork`.
    package func cover(_ restore: @escaping () -> Void) throws(Errno) {
        var ends: [Int32] = [-1, -1]
        _ = try checked { clinux_pipe(&ends) }
        defer { close(ends[0]) }
        let body = Unmanaged.passRetained(Body(restore))
        defer { body.release() }
        do {
            let pid = try checked {
                clinux_fork_heir(
                    ends, { Unmanaged<Body>.fromOpaque($0!).takeUnretainedValue().run() }, body.toOpaque())
            }
            children.append(Child(pid: pid, end: ends[1]))
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// All that was covered is restored when this returns.
    package func release() {
        // The last first: each has copies of the writing ends of those before it.
        while let child = children.popLast() {
            close(child.end)
            var status: Int32 = 0
            while waitpid(child.pid, &status, 0) < 0, errno == EINTR {}
        }
    }

    private struct Child {
        let pid: Int32
        let end: Int32
    }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
