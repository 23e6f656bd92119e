import Glibc
package import SystemPackage

/// How readily a thread leaves a processor to others: from -20, the most urgent, to 19 (man 7 sched).
package enum Niceness {
    package static let range: ClosedRange<Int32> = -20...19

    /// Throws ESRCH where there is no such thread, EACCES for less than now without the right to it (CAP_SYS_NICE, or
    /// RLIMIT_NICE), EPERM for another user's.
    ///
    /// The corresponding C functions are `getpriority` and `setpriority`, which on Linux act on one thread.
    /// - Returns: what it is now.
    package static func change(ofThread thread: Int32, by step: Int32) throws(Errno) -> Int32 {
        let which = __priority_which_t(PRIO_PROCESS.rawValue)
        // -1 is a value, too.
        errno = 0
        let before = getpriority(which, UInt32(bitPattern: thread))
        if before == -1, errno != 0 { throw Errno(rawValue: errno) }
        let value = min(max(before + step, range.lowerBound), range.upperBound)
        _ = try checked { setpriority(which, UInt32(bitPattern: thread), value) }
        return value
    }
}
