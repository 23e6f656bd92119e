import CLinux

/// Finding byte sequences in large pieces of memory.
package enum ByteSearch {
    /// The first place of `pattern` in `bytes`; nil when there is none, or when the pattern is empty.
    ///
    /// The corresponding C function is `memmem`.
    package static func first(_ pattern: [UInt8], in bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
        guard let base = bytes.baseAddress, !pattern.isEmpty else { return nil }
        return UnsafeRawPointer(clinux_find(base, bytes.count, pattern, pattern.count))
    }
}
