import CLinux
import Glibc

/// A higher priority of the calling thread for the time in which others wait for it: while they stand still because of it, or while
/// what they did has to be taken from the kernel before there is no more room for it. On a busy machine that time is made of waiting
/// for a processor, not of work.
///
/// Takes effect where nusu has the right to (root, CAP_SYS_NICE); elsewhere it does nothing.
package struct Urgency: ~Copyable {
    private let thread: Int32
    private let previous: Int32

    /// The corresponding C function is `setpriority`, which on Linux acts on one thread.
    /// - Parameter niceness: -20 (first) to 19.
    package init(niceness: Int32 = -10) {
        thread = clinux_gettid()
        previous = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread))
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread), niceness)
    }

    package consuming func end() {}

    deinit { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread), previous) }
}
