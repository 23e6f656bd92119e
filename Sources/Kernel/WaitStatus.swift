package import SystemPackage

import CLinux
import Glibc

/// What `waitpid` told of a traced thread (man 2 wait, man 2 ptrace).
package enum WaitStatus: Hashable, Sendable {
    case exited(code: Int32)
    case killed(signal: Int32)
    /// About to receive a signal: it must be handed on when the thread is resumed.
    case signal(Int32)
    /// Entry to or exit from a system call (PTRACE_O_TRACESYSGOOD).
    case systemCall
    /// PTRACE_EVENT_CLONE, _FORK or _VFORK: the thread has made another.
    case child
    /// PTRACE_EVENT_STOP: stopped by PTRACE_INTERRUPT, by a group stop, or just attached to.
    case interrupted
    /// Any other event.
    case event(Int32)

    package init(status: Int32) {
        if status & 0x7f == 0 {
            self = .exited(code: status >> 8 & 0xff)
        } else if status & 0xff != 0x7f {
            self = .killed(signal: status & 0x7f)
        } else {
            let signal = status >> 8 & 0xff
            switch status >> 16 {
            case 0: self = signal == SIGTRAP | 0x80 ? .systemCall : .signal(signal)
            // PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE.
            case 1, 2, 3: self = .child
            case 128: self = .interrupted
            default: self = .event(status >> 16)
            }
        }
    }

    /// The thread is gone.
    package var isEnd: Bool {
        switch self {
        case .exited, .killed: true
        default: false
        }
    }

    /// The next report of one thread, or nil at once when there is none. Throws ECHILD when it is no longer traced.
    ///
    /// The corresponding C function is `waitpid` with `__WALL`.
    package static func poll(_ thread: Int32) throws(Errno) -> WaitStatus? {
        var status: Int32 = 0
        // __WALL: threads and children without an exit signal too. A literal, since the macro does not fit Int32.
        let flags = Int32(bitPattern: 0x4000_0000) | WNOHANG
        let result = try checked { waitpid(thread, &status, flags) }
        return result == 0 ? nil : WaitStatus(status: status)
    }

    /// Waits for the next report of one thread. Throws ETIMEDOUT when there is none until `deadline`.
    package static func wait(for thread: Int32, until deadline: Moment) throws(Errno) -> WaitStatus {
        var backoff = Backoff()
        while true {
            if let status = try poll(thread) { return status }
            guard Moment.now < deadline else { throw .timedOut }
            backoff.pause()
        }
    }
}
