package import SystemPackage

import Glibc

/// The copy that an injected `clone` made: traced, stopped before its first instruction, never run.
///
/// It belongs to the thread that attached. Its end is ours to see first; then it is its parent's zombie, which only a
/// call inside the parent takes away.
package struct FrozenChild: ~Copyable {
    package let pid: Int32
    private var isWaitedFor = false

    /// Waits until the child is stopped, and has the kernel kill it when its tracer ends. Throws when the child is gone.
    package init(_ pid: Int32, within seconds: Double, note: () -> Void) throws(Errno) {
        self.pid = pid
        let deadline = Moment.now.after(seconds: seconds)
        var isStopped = false
        while !isStopped {
            switch try WaitStatus.wait(for: pid, until: deadline) {
            case .interrupted: isStopped = true
            case .exited, .killed: throw .noSuchProcess
            // A copy has no business with signals: whoever sends one to a process identifier that it cannot know.
            case .signal, .systemCall, .child, .event: try Ptrace.resume(pid)
            }
        }
        note()
        try Ptrace.setOptions(.exitKill, of: pid)
    }

    deinit {
        if !isWaitedFor { Glibc.kill(pid, SIGKILL) }
    }

    /// The corresponding C function is `kill`.
    package static func kill(_ pid: Int32) { Glibc.kill(pid, SIGKILL) }

    /// Makes the kernel end the child first when memory runs out. Best effort (man 5 proc_pid_oom_score_adj).
    package borrowing func preferForOutOfMemory(root: String) {
        let descriptor = open("\(root)/\(pid)/oom_score_adj", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "1000", 4)
        close(descriptor)
    }

    /// Whether the child has been killed by somebody else, the kernel for want of memory perhaps.
    package mutating func hasEnded() -> Bool {
        if !isWaitedFor, let status = try? WaitStatus.poll(pid), status.isEnd { isWaitedFor = true }
        return isWaitedFor
    }

    /// Kills the child and waits for its end: from then on it is a zombie of its parent. False when it does not end.
    package mutating func end(within seconds: Double, note: () -> Void) -> Bool {
        guard !isWaitedFor else { return true }
        Glibc.kill(pid, SIGKILL)
        note()
        let deadline = Moment.now.after(seconds: seconds)
        while Moment.now < deadline {
            do throws(Errno) {
                if try WaitStatus.wait(for: pid, until: deadline).isEnd {
                    isWaitedFor = true
                    return true
                }
            } catch .noChildProcess {
                isWaitedFor = true
                return true
            } catch { return false }
        }
        return false
    }
}
