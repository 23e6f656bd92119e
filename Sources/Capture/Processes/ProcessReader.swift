import Glibc
import Model
import SystemPackage

/// Reads files below `/proc/PID` with three system calls each, into one buffer, relative to one descriptor of /proc.
struct ProcessReader: ~Copyable {
    private let root: Int32
    private let buffer: UnsafeMutableRawBufferPointer
    /// The path of the file to be read, relative to `root`, and how much of it is the folder.
    private let path: UnsafeMutablePointer<CChar>
    private var folderLength = 0
    /// Whose files are read.
    private(set) var process: Int32 = 0
    /// The thread whose files are read; the process's number for the process.
    private(set) var thread: Int32 = 0
    /// The kernel can be asked about what is read here: it is no fixture.
    let isLive: Bool
    let delays = DelayReader()

    /// The largest part of a file that is read: the kernel's bound on arguments is higher, but nobody reads more.
    static let limit = 128 * 1024
    private static let pathLimit = 64

    /// The corresponding C function is `open`.
    init(root: String) throws(Errno) {
        self.root = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let code = errno
        isLive = root == "/proc"
        buffer = .allocate(byteCount: ProcessReader.limit, alignment: 16)
        path = .allocate(capacity: ProcessReader.pathLimit)
        guard self.root >= 0 else { throw Errno(rawValue: code) }
    }

    deinit {
        close(root)
        buffer.deallocate()
        path.deallocate()
    }

    /// Whose files are read from now on.
    mutating func enter(process: Int32, thread: Int32? = nil) {
        folderLength = 0
        self.process = process
        self.thread = thread ?? process
        append(process)
        if let thread {
            for byte in "/task/".utf8 { append(byte) }
            append(thread)
        }
    }

    /// The first bytes of a file, valid until the next call; or why there are none.
    ///
    /// A file of /proc that fits in the buffer comes whole with the first call. The corresponding C functions are `openat`
    /// and `read`.
    func read(_ file: StaticString) -> Result<UnsafeBufferPointer<UInt8>, Errno> {
        complete(file)
        let descriptor = openat(root, path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Errno(rawValue: errno)) }
        defer { close(descriptor) }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                return .success(bytes.assumingMemoryBound(to: UInt8.self))
            }
            guard errno == EINTR else { return .failure(Errno(rawValue: errno)) }
        }
    }

    /// Where a link leads, valid until the next call; or why that cannot be told.
    ///
    /// The corresponding C function is `readlinkat`.
    func link(_ file: StaticString) -> Result<UnsafeBufferPointer<UInt8>, Errno> {
        complete(file)
        guard let target = buffer.assumingMemoryBound(to: CChar.self).baseAddress else { return .failure(.noMemory) }
        let count = readlinkat(root, path, target, buffer.count)
        guard count >= 0 else { return .failure(Errno(rawValue: errno)) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        return .success(bytes.assumingMemoryBound(to: UInt8.self))
    }

    /// Who owns the folder. For `/proc/PID` that is always the effective user; for the files in it root where a process
    /// is not dumpable (fs/proc/base.c, task_dump_owner).
    ///
    /// The corresponding C function is `fstatat`.
    func owner() -> ProcessRecord.Owner? {
        path[folderLength] = 0
        var entry = stat()
        guard fstatat(root, path, &entry, 0) == 0 else { return nil }
        return ProcessRecord.Owner(user: entry.st_uid, group: entry.st_gid)
    }

    /// Without an allocation: this is done for every file of every process.
    private mutating func append(_ number: Int32) {
        var divisor: Int32 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    private mutating func append(_ byte: UInt8) {
        path[folderLength] = CChar(bitPattern: byte)
        folderLength += 1
    }

    private func complete(_ file: StaticString) {
        let count = file.utf8CodeUnitCount
        precondition(folderLength + count + 2 <= ProcessReader.pathLimit)
        path[folderLength] = CChar(UInt8(ascii: "/"))
        file.utf8Start.withMemoryRebound(to: CChar.self, capacity: count) { name in
            (path + folderLength + 1).update(from: name, count: count)
        }
        path[folderLength + 1 + count] = 0
    }
}
