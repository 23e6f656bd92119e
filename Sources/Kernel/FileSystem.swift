import CLinux

/// Kinds of file systems that matter here (man 2 statfs).
package enum FileSystem {
    /// MQUEUE_MAGIC: POSIX message queues, which need not be mounted anywhere.
    package static let messageQueues = 0x1980_0202

    /// The kind of what a path leads to; nil where it cannot be told. A server that does not answer may keep the caller
    /// waiting.
    ///
    /// The corresponding C function is `statfs`.
    package static func kind(_ path: String) -> Int? {
        let kind = clinux_file_system(path)
        return kind < 0 ? nil : kind
    }
}
