import Analysis
import Glibc
import Model

/// The file of a workload, or standard input.
enum WorkloadFile {
    static let standardInput = "-"

    static func read(_ path: String) throws(Failure) -> Workload {
        let name = path == standardInput ? "standard input" : path
        return try WorkloadParser.parse(try bytes(of: path, name), file: name)
    }

    /// The corresponding C functions are `open` and `read`.
    private static func bytes(of path: String, _ name: String) throws(Failure) -> [UInt8] {
        let descriptor = path == standardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", name, errno) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw failure("read", name, errno)
            }
            guard bytes.count <= WorkloadParser.maximumBytes else {
                throw Failure(
                    .unsupported, what: "\(name) is larger than 16 MiB, which no workload is", subject: name,
                    remedy: "use 'repeat N' for what repeats itself")
            }
        }
    }

    private static func failure(_ verb: String, _ name: String, _ error: Int32) -> Failure {
        Failure(
            error == EACCES ? .notPermitted : .noTarget,
            what: "cannot \(verb) \(name): \(String(cString: strerror(error)))", subject: name,
            remedy: "name a workload file, or - for standard input: nusu sched simulate --help has the format")
    }
}
