import CLinux
package import Model
package import SystemPackage

extension ProcessorSet {
    /// Those that a thread may run on, of the processors that are on line.
    ///
    /// Throws ESRCH where there is no such thread. The corresponding C function is `sched_getaffinity`.
    package static func ofThread(_ thread: Int32) throws(Errno) -> ProcessorSet {
        // As large as most kernels are built for; one with more says EINVAL.
        var words = [UInt64](repeating: 0, count: 1024 / 64)
        while true {
            do throws(Errno) {
                let count = try checked { clinux_read_affinity(thread, &words, words.count * 8) }
                return ProcessorSet(words: Array(words.prefix(Int(count) / 8)))
            } catch {
                guard error == .invalidArgument, words.count * 64 < ProcessorSet.limit else { throw error }
                words = [UInt64](repeating: 0, count: words.count * 2)
            }
        }
    }

    /// Of these, the thread runs from now on where its cpuset lets it.
    ///
    /// Throws ESRCH where there is no such thread, EPERM for another user's, EINVAL where none of them is left to it: its cpuset has
    /// others, it has to stay where it is (threads of the kernel), or the set is empty. The corresponding C function is
    /// `sched_setaffinity`.
    package func set(ofThread thread: Int32) throws(Errno) {
        let words = words.isEmpty ? [0] : words
        _ = try checked { clinux_set_affinity(thread, words, words.count * 8) }
    }
}
