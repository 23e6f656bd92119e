import CLinux

/// The memory that nusu itself allocates.
package enum OwnHeap {
    /// For what runs for hours and makes and drops megabytes again and again: what is large is the machine's again as soon as it is
    /// dropped, and threads share one heap. Without it the C library keeps what it thinks will be needed again, for each thread. It
    /// may fail, and then only memory is lost.
    ///
    /// The corresponding C function is `mallopt`.
    package static func keepSmall() { _ = clinux_limit_heap(largeBytes) }

    /// Gives back what is free: after something large was dropped that will not be needed again soon.
    ///
    /// The corresponding C function is `malloc_trim`.
    package static func giveBack() { clinux_trim_heap() }

    /// glibc's own first value, which it raises with what is freed unless it was set.
    private static let largeBytes: Int32 = 128 * 1024
}
