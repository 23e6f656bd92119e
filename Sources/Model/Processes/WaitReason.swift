/// Why a process does not run: of its main thread, at one moment.
package struct WaitReason: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// It runs, or is ready to.
        case running
        /// wait4, waitid: until a child ends; or vfork: until it has become another program.
        case child
        /// Reading: until somebody writes. Writing: until somebody reads.
        case pipe(inode: UInt64, isReading: Bool)
        /// A lock of a file (flock, fcntl).
        case fileLock
        /// One descriptor that is no pipe; what it leads to, as the kernel writes it.
        case descriptor(target: [UInt8])
        /// Several descriptors at once (poll, select, epoll).
        case descriptors
        case timer
        case signal
        /// A lock or a condition in memory (futex): the kernel does not know who holds it.
        case memoryLock
        /// Stopped by a signal; by its tracer; ended.
        case stopped
        case tracer(pid: Int32)
        case zombie(parent: Int32)
        case other
        /// The call may not be seen.
        case notPermitted
    }

    package var process: ProcessIdentity
    package var state: UInt8
    package var cause: Cause
    /// The system call that it is in; nil where it is in none, or that may not be seen.
    package var call: String?
    /// The descriptor that the call is about.
    package var descriptor: Int32?
    /// The kernel's function that it sleeps in; nil where that may not be seen.
    package var channel: String?
    /// Whom it waits for: any one of them is enough, but for children that are waited for together. Empty where nobody is known.
    package var awaited: [Int32] = []

    /// It has no other thread that could go on meanwhile.
    package var isSingleThreaded = true

    package init(process: ProcessIdentity, state: UInt8, cause: Cause) {
        self.process = process
        self.state = state
        self.cause = cause
    }
}

/// A system call that can make a thread wait (arch/x86/entry/syscalls/syscall_64.tbl).
package struct WaitingCall: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case read, write, descriptor, several, child, timer, signal, lock, fileLock, other
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
        23: ("select", .several), 34: ("pause", .signal), 35: ("nanosleep", .timer), 42: ("connect", .descriptor),
        43: ("accept", .descriptor), 44: ("sendto", .descriptor), 45: ("recvfrom", .descriptor),
        46: ("sendmsg", .descriptor), 47: ("recvmsg", .descriptor), 58: ("vfork", .child), 61: ("wait4", .child),
        65: ("semop", .lock), 69: ("msgsnd", .other), 70: ("msgrcv", .other), 72: ("fcntl", .fileLock),
        73: ("flock", .fileLock), 74: ("fsync", .descriptor), 75: ("fdatasync", .descriptor),
        128: ("rt_sigtimedwait", .signal), 130: ("rt_sigsuspend", .signal), 202: ("futex", .lock),
        208: ("io_getevents", .other), 219: ("restart_syscall", .timer), 220: ("semtimedop", .lock),
        230: ("clock_nanosleep", .timer), 232: ("epoll_wait", .several), 242: ("mq_timedsend", .descriptor),
        243: ("mq_timedreceive", .descriptor), 247: ("waitid", .child), 257: ("openat", .other),
        270: ("pselect6", .several), 271: ("ppoll", .several), 275: ("splice", .descriptor),
        281: ("epoll_pwait", .several), 288: ("accept4", .descriptor), 299: ("recvmmsg", .descriptor),
        426: ("io_uring_enter", .several), 441: ("epoll_pwait2", .several), 449: ("futex_waitv", .lock),
    ]
}
