import Glibc
import Model

/// A file's bytes, read where they are needed.
protocol ImageBytes: Sendable {
    /// Reads from `offset` on until `buffer` is full or the file ends; the number of bytes read.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int
}

extension ImageBytes {
    /// The `count` bytes at `offset`, or nil when not all of them exist. `count` is the caller's bound.
    func bytes(at offset: UInt64, count: Int) -> [UInt8]? {
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            got = read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = got
        }
        return got == count ? bytes : nil
    }
}

/// An open regular file that a process has mapped.
final class ImageFile: ImageBytes {
    let descriptor: Int32

    /// Opens the file behind a mapping of another process; nil where that is not possible or no regular file.
    ///
    /// The target chose the path, so nothing is opened before it is known to be what is mapped: a device could react to
    /// being opened, and a pipe could wait. `map_files` also leads to deleted files and to those of other mount
    /// namespaces, but asks for CAP_CHECKPOINT_RESTORE (man 5 proc_pid_map_files).
    ///
    /// - Parameter servers: of the file systems of `pid`; nil where a thread that may hang asks.
    init?(_ mapping: Mapping, of pid: Int32, root: String, servers: FileServers?) {
        guard servers?.mayRead(mapping) != false else { return nil }
        let low = String(mapping.range.lower, radix: 16)
        let high = String(mapping.range.upper, radix: 16)
        let entry = Array("\(root)/\(pid)/map_files/\(low)-\(high)".utf8)
        // Some file systems number their devices differently in maps and in stat; the link itself leads to the mapping.
        if let opened = ImageFile.open(entry, follow: true, where: { $0.st_ino == mapping.inode }) {
            descriptor = opened
            return
        }
        let device = ImageFile.deviceNumber(mapping.deviceMajor, mapping.deviceMinor)
        let path = Array("\(root)/\(pid)/root".utf8) + mapping.nameBytes
        guard mapping.nameBytes.first == UInt8(ascii: "/"), !mapping.nameBytes.contains(0),
            servers?.isServed(pathBytes: mapping.nameBytes) != true,
            let opened = ImageFile.open(
                path, follow: false, where: { $0.st_ino == mapping.inode && $0.st_dev == device })
        else { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// The corresponding C function is `pread`, repeated after EINTR.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let (at, overflow) = offset.addingReportingOverflow(UInt64(done))
            guard !overflow, at < 1 << 63 else { break }
            let count = pread(descriptor, base + done, buffer.count - done, off_t(at))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    /// First a descriptor that can only be asked what it is (O_PATH), then one to read from.
    private static func open(_ path: [UInt8], follow: Bool, where isWanted: (stat) -> Bool) -> Int32? {
        let flags = openPath | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)
        let place = (path + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { Glibc.open($0, flags) } ?? -1
            }
        }
        guard place >= 0 else { return nil }
        defer { close(place) }
        var facts = stat()
        guard fstat(place, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, isWanted(facts) else { return nil }
        let descriptor = Glibc.open("/proc/self/fd/\(place)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        return descriptor >= 0 ? descriptor : nil
    }

    /// O_PATH, which Glibc's headers show only to those who define _GNU_SOURCE.
    private static let openPath: Int32 = 0o10_000_000

    /// The corresponding C macro is `makedev`: minor's low byte, major's low 12 bits, the rest above them.
    private static func deviceNumber(_ major: UInt32, _ minor: UInt32) -> UInt64 {
        let (major, minor) = (UInt64(major), UInt64(minor))
        return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12) | ((major & ~0xfff) << 32)
    }
}
