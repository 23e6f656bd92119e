import Glibc
import SystemPackage

/// Reading files whose size is not known before, as all of /proc are: whole, with a growing buffer and a bound.
enum ProcFile {
    /// The first `limit` bytes of the file at `path`; a longer file is cut there.
    ///
    /// The corresponding C functions are `open` and `read`, repeated after EINTR.
    static func read(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
        let descriptor = try open(path, flags: O_RDONLY)
        defer { close(descriptor) }
        // Files of /proc hand out a page or so per call: a larger buffer saves nothing there.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(16 * 1024, max(limit, 1)), alignment: 16)
        defer { buffer.deallocate() }
        var result: [UInt8] = []
        while result.count < limit {
            var count = 0
            repeat {
                count = Glibc.read(descriptor, buffer.baseAddress, min(buffer.count, limit - result.count))
            } while count < 0 && errno == EINTR
            guard count >= 0 else { throw Errno(rawValue: errno) }
            if count == 0 { break }
            result.append(contentsOf: buffer[..<count])
        }
        return result
    }

    /// Exactly `count` bytes from `offset` on.
    ///
    /// The corresponding C function is `pread`.
    static func read(_ path: String, at offset: UInt64, count: Int) throws(Errno) -> [UInt8] {
        let descriptor = try open(path, flags: O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &bytes, count, off_t(truncatingIfNeeded: offset))
        guard got >= 0 else { throw Errno(rawValue: errno) }
        guard got == count else { throw .badAddress }
        return bytes
    }

    /// The entries of the directory at `path` without `.` and `..`, in the kernel's order, at most `limit`.
    ///
    /// The corresponding C function is `readdir`.
    static func entries(_ path: String, limit: Int) throws(Errno) -> [[UInt8]] {
        guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
        defer { closedir(directory) }
        var result: [[UInt8]] = []
        while result.count < limit {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                break
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != dot && name != dotDot { result.append(name) }
        }
        return result
    }

    /// The entries of a directory whose names are decimal numbers, as these, in the kernel's order; at most `limit`.
    ///
    /// The corresponding C function is `readdir`.
    static func numbers(_ path: String, limit: Int) throws(Errno) -> [Int32] {
        guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
        defer { closedir(directory) }
        var result: [Int32] = []
        while result.count < limit {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                break
            }
            let number = withUnsafeBytes(of: &entry.pointee.d_name) { name -> Int32? in
                let text = UnsafeBufferPointer(rebasing: name.bindMemory(to: UInt8.self).prefix { $0 != 0 })
                var scanner = ByteScanner(text)
                guard let value = scanner.decimal(), scanner.isAtEnd else { return nil }
                return Int32(exactly: value)
            }
            if let number { result.append(number) }
        }
        return result
    }

    /// The symbolic links of a directory whose names are numbers, and where they lead; at most `limit`. The bytes live only
    /// as long as the call; `folder` is the open directory.
    ///
    /// The corresponding C functions are `readdir` and `readlinkat`.
    static func eachLink(
        _ path: String, limit: Int,
        _ body: (_ number: Int32, _ target: UnsafeBufferPointer<UInt8>, _ folder: Int32) -> Void
    ) throws(Errno) {
        guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
        defer { closedir(directory) }
        let size = Int(PATH_MAX)
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        defer { buffer.deallocate() }
        var isRefused = false
        var seen = 0
        var reached = 0
        while seen < limit {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                break
            }
            let (number, count) = withUnsafeBytes(of: &entry.pointee.d_name) { name -> (Int32?, Int) in
                let text = name.bindMemory(to: CChar.self)
                guard let base = text.baseAddress, base.pointee != CChar(bitPattern: UInt8(ascii: ".")) else {
                    return (nil, 0)
                }
                let count = buffer.withMemoryRebound(to: CChar.self, capacity: size) {
                    readlinkat(dirfd(directory), base, $0, size)
                }
                return (Int32(exactly: strtol(base, nil, 10)), count)
            }
            guard let number else { continue }
            seen += 1
            if count > 0 {
                reached += 1
                body(number, UnsafeBufferPointer(start: buffer, count: count), dirfd(directory))
            } else if count < 0, errno == EACCES || errno == EPERM {
                isRefused = true
            }
        }
        // A folder may be listed by those who may not follow its links.
        if isRefused, reached == 0 { throw .permissionDenied }
    }

    /// How the descriptor behind a link of `/proc/PID/fd` was opened: O_RDONLY 0, O_WRONLY 1, O_RDWR 2, by the link's own
    /// permissions (fs/proc/fd.c, tid_fd_update_inode), which takes one call where fdinfo takes three. nil for a link that is
    /// none of these.
    ///
    /// The corresponding C function is `fstatat`, with AT_SYMLINK_NOFOLLOW.
    static func accessMode(ofLink number: Int32, in folder: Int32) -> UInt8? {
        var entry = stat()
        guard fstatat(folder, "\(number)", &entry, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        switch entry.st_mode & 0o777 {
        case 0o500: return 0
        case 0o300: return 1
        case 0o700: return 2
        default: return nil
        }
    }

    /// Where the symbolic link at `path` leads, as bytes.
    ///
    /// The corresponding C function is `readlink`.
    static func link(_ path: String) throws(Errno) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count >= 0 else { throw Errno(rawValue: errno) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    private static func open(_ path: String, flags: Int32) throws(Errno) -> Int32 {
        while true {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC)
            if descriptor >= 0 { return descriptor }
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
    }

    private static let dot = Array(".".utf8)
    private static let dotDot = Array("..".utf8)
}
