/// A system call that can make a thread wait (arch/x86/entry/syscalls/syscall_64.tbl).
package struct WaitingCall: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case read, write, accept, connect, descriptor, several, child, timer, signal, futex, semaphore, fileLock, other
    }

    package let name: String
    package let kind: Kind

    /// - Parameter number: of x86-64.
    package static func number(_ number: Int) -> WaitingCall? {
        x86[number].map { WaitingCall(name: $0.0, kind: $0.1) }
    }

    private static let x86: [Int: (String, Kind)] = [
        0: ("read", .read), 1: ("write", .write), 7: ("poll", .several), 16: ("ioctl", .descriptor),
        17: ("pread64", .read), 18: ("pwrite64", .write), 19: ("readv", .read), 20: ("writev", .write),
        23: ("select", .several), 34: ("pause", .signal), 35: ("nanosleep", .timer), 42: ("connect", .connect),
        43: ("accept", .accept), 44: ("sendto", .write), 45: ("recvfrom", .read),
        46: ("sendmsg", .write), 47: ("recvmsg", .read), 58: ("vfork", .child), 61: ("wait4", .child),
        65: ("semop", .semaphore), 69: ("msgsnd", .other), 70: ("msgrcv", .other), 72: ("fcntl", .fileLock),
        73: ("flock", .fileLock), 74: ("fsync", .descriptor), 75: ("fdatasync", .descriptor),
        128: ("rt_sigtimedwait", .signal), 130: ("rt_sigsuspend", .signal), 202: ("futex", .futex),
        208: ("io_getevents", .other), 219: ("restart_syscall", .timer), 220: ("semtimedop", .semaphore),
        230: ("clock_nanosleep", .timer), 232: ("epoll_wait", .several), 242: ("mq_timedsend", .descriptor),
        243: ("mq_timedreceive", .descriptor), 247: ("waitid", .child), 257: ("openat", .other),
        270: ("pselect6", .several), 271: ("ppoll", .several), 275: ("splice", .descriptor),
        281: ("epoll_pwait", .several), 288: ("accept4", .accept), 299: ("recvmmsg", .read), 307: ("sendmmsg", .write),
        426: ("io_uring_enter", .other), 441: ("epoll_pwait2", .several), 449: ("futex_waitv", .other),
    ]
}
