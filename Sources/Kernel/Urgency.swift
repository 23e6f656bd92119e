import CLinux
import Glibc

/// A higher priority of the calling thread for the time in which others stand still because of it: on a busy machine the
/// pause is made of waiting for a processor, not of work.
///
/// Takes effect where nusu has the right to (root, CAP_SYS_NICE); elsewhere it does nothing.
package struct Urgency: ~Copyable {
    private let thread: Int32
    private let previous: Int32

    /// The corresponding C function is `setpriority`, which on Linux acts on one thread.
    package init() {
        thread = clinux_gettid()
        previous = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread))
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread), -10)
    }

    package consuming func end() {}

    deinit { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(bitPattern: thread), previous) }
}
