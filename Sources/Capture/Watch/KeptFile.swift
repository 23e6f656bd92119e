import Glibc
import SystemPackage

/// A file of /proc or of a control group that is opened once and read again and again from its start: a third of the system
/// calls, and another process that has the number by then is not mistaken for this one.
final class KeptFile: Sendable {
    private let descriptor: Int32

    /// The corresponding C function is `open`.
    init(_ path: String) throws(Errno) {
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    }

    deinit { close(descriptor) }

    /// What it holds now, as much as fits in `buffer`, and valid until that is used again. ESRCH: its process is gone.
    ///
    /// The corresponding C function is `pread`.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> UnsafeBufferPointer<UInt8> {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 {
                return UnsafeRawBufferPointer(rebasing: buffer[..<count]).assumingMemoryBound(to: UInt8.self)
            }
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
    }
}
