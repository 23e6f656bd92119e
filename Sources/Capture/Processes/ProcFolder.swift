import Glibc
import Kernel
import SystemPackage

/// An open directory of /proc with a file or link for each number: what is below is reached without going down the path
/// anew. Read into one buffer, again and again.
struct ProcFolder: ~Copyable {
    private let descriptor: Int32
    private let buffer: UnsafeMutableRawBufferPointer

    /// The corresponding C function is `open`, with O_DIRECTORY.
    init(_ path: String) throws(Errno) {
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        buffer = .allocate(byteCount: 4096, alignment: 16)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The bytes of the file `number`, at most `limit`, which live only as long as the call; nil where it cannot be read.
    func read<Result>(_ number: Int32, limit: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
        let file = openat(descriptor, "\(number)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let first = Glibc.read(file, buffer.baseAddress, buffer.count)
        guard first >= 0 else { return nil }
        let part = UnsafeBufferPointer(rebasing: buffer.bindMemory(to: UInt8.self)[..<first])
        // The kernel fills a page where there is more than one.
        guard first * 2 >= buffer.count else { return body(part) }
        var bytes = Array(part)
        while bytes.count < limit {
            let count = Glibc.read(file, buffer.baseAddress, min(buffer.count, limit - bytes.count))
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes.withUnsafeBufferPointer(body)
    }

    /// Of what the link `number` leads to.
    func facts(_ number: Int32) -> FileFacts? { FileFacts(folder: descriptor, name: "\(number)") }
}
